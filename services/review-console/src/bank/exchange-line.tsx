/** One exchange: how far it is, other credentials for it, its pause, its end. */
import { Button, Group, PasswordInput } from "@mantine/core";
import { useMutation } from "@tanstack/react-query";
import { Link } from "@tanstack/react-router";
import { useState } from "react";
import { z } from "zod/mini";

import { Dialog } from "@/control/dialog";
import { shortened } from "@/control/id-chip";
import { Problem } from "@/control/state";
import { toast } from "@/control/toast";
import { FormProblem } from "@/form/form-problem";
import { useProblemForm } from "@/form/use-problem-form";
import { Severity } from "@/look/severity";
import { Moment } from "@/time/moment";
import { languageTag, useWords } from "@/words/words";

import classes from "./bank.module.css";
import { LEVELS, pauseExchange, removeExchange, secretsOf, setCredentials, type Exchange, type Offer } from "./exchange";
import { isSecret } from "./exchange-add";
import { words } from "./exchange-words";
import type { HashBank } from "./hash";

interface Props {
  readonly of: Exchange;
  readonly bank: HashBank | undefined;
  readonly offer: Offer | undefined;
  readonly mayChange: boolean;
}

export function ExchangeLine({ of, bank, offer, mayChange }: Props) {
  const say = useWords(words);
  const name = bank?.name ?? shortened(of.bankId);
  const { espIds, privacyGroup, file } = of.settings;
  const what = [espIds.length > 0 ? say("ofProviders", { ids: espIds.join(", ") }) : null, privacyGroup ? say("group", { id: privacyGroup }) : null, file].filter((one) => one !== null);
  return (
    <li className={classes.exchange}>
      <span className={classes.exchangeName}>
        <span className="med">{say(of.kind)}</span>
        {what.length > 0 ? <span className="dim t12 user-text">{what.join(", ")}</span> : null}
        <span className="t12">
          <Link to="/banks/hash/$bankId" params={{ bankId: of.bankId }} className="user-text">
            {name}
          </Link>
        </span>
      </span>
      <span className={classes.exchangeState}>
        {of.pause ? <Paused pause={of.pause} /> : null}
        <Severity level={LEVELS[of.condition]} quiet>
          {say(of.condition)}
        </Severity>
        {of.fault ? <span className="dim t12 user-text">{of.fault}</span> : null}
        {bank?.enabledRatio === 0 ? <span className="dim t12">{say("off")}</span> : null}
        {of.hasCredentials === false ? <span className="high t12">{say("noCredentials")}</span> : null}
        {of.hasCredentials ? <span className="dim t12">{say("hasCredentials")}</span> : null}
      </span>
      <dl className={classes.exchangeFacts}>
        <dt>{say("hashes")}</dt>
        <dd className="tnum">{of.hashes === null ? "–" : of.hashes.toLocaleString(languageTag())}</dd>
        <dt>{say("fetched")}</dt>
        <dd>{of.fetchedAt ? <Moment at={of.fetchedAt} relative /> : say("never")}</dd>
        <dt>{say("added")}</dt>
        <dd>
          <Moment at={of.addedAt} dated /> {say("by", { name: of.addedByPerson?.name ?? say("somebody") })}
        </dd>
      </dl>
      {mayChange ? <Tools of={of} offer={offer} bank={name} /> : null}
    </li>
  );
}

function Tools({ of, offer, bank }: { of: Exchange; offer: Offer | undefined; bank: string }) {
  const say = useWords(words);
  const isPaused = of.pause !== null;
  const pause = useMutation({
    mutationFn: () => pauseExchange(of, !isPaused),
    onSuccess: () => toast(say(isPaused ? "resumedNow" : "pausedNow", { kind: say(of.kind) })),
  });
  return (
    <>
      <span className={classes.exchangeTools}>
        {offer && offer.credentials.length > 0 ? <Credentials of={of} offer={offer} /> : null}
        <Button size="xs" variant="subtle" loading={pause.isPending} onClick={() => pause.mutate()}>
          {say(isPaused ? "resume" : "pause")}
        </Button>
        <Remove of={of} bank={bank} />
      </span>
      {pause.error ? (
        <div className={classes.exchangeProblem}>
          <Problem error={pause.error} />
        </div>
      ) : null}
    </>
  );
}

function Paused({ pause }: { pause: NonNullable<Exchange["pause"]> }) {
  const say = useWords(words);
  const [level, said] = pause.holds ? (["medium", "paused"] as const) : pause.holds === null ? (["high", "pausedUnsure"] as const) : (["high", "pausing"] as const);
  return (
    <>
      <Severity level={level}>{say(said)}</Severity>
      <span className="dim t12">{say.rich("pausedSince", { at: <Moment key="at" at={pause.at} dated />, name: pause.byPerson?.name ?? say("somebody") })}</span>
    </>
  );
}

function Credentials({ of, offer }: { of: Exchange; offer: Offer }) {
  const say = useWords(words);
  const [isOpen, setOpen] = useState(false);
  return (
    <>
      <Button size="xs" variant="subtle" onClick={() => setOpen(true)}>
        {say("credentials")}
      </Button>
      {isOpen ? <CredentialsDialog of={of} offer={offer} close={() => setOpen(false)} /> : null}
    </>
  );
}

function CredentialsDialog({ of, offer, close }: { of: Exchange; offer: Offer; close: () => void }) {
  const say = useWords(words);
  const names = offer.credentials.map(({ name }) => name);
  const { input, problem, sending, submit } = useProblemForm<Record<string, string>>({
    schema: z.object(Object.fromEntries(names.map((name) => [name, z.string().check(z.minLength(1, { error: () => say("needed") }))]))),
    paths: names,
    initialValues: Object.fromEntries(names.map((name) => [name, ""])),
    send: async (values) => {
      await setCredentials(of, secretsOf(offer, values));
      toast(say("credentialsSet"));
      close();
    },
  });
  return (
    <Dialog opened onClose={close} title={say("credentialsOf", { kind: say(of.kind) })} centered>
      <form onSubmit={submit} className={classes.dialog} autoComplete="off">
        <p className="dim t13">{say("credentialsHint")}</p>
        <FormProblem problem={problem} />
        {names.map((name, at) => (
          <PasswordInput key={name} {...input(name)} data-autofocus={at === 0 || undefined} label={isSecret(name) ? say(name) : name} description={say("secretHint")} autoComplete="new-password" data-1p-ignore />
        ))}
        <Group gap="sm" justify="flex-end">
          <Button onClick={close}>{say("cancel")}</Button>
          <Button type="submit" variant="filled" loading={sending}>
            {say("save")}
          </Button>
        </Group>
      </form>
    </Dialog>
  );
}

function Remove({ of, bank }: { of: Exchange; bank: string }) {
  const say = useWords(words);
  const [isOpen, setOpen] = useState(false);
  const kind = say(of.kind);
  const remove = useMutation({
    mutationFn: () => removeExchange(of),
    onSuccess: () => {
      setOpen(false);
      toast(say("removed", { kind, bank }));
    },
  });
  return (
    <>
      <Button size="xs" variant="subtle" onClick={() => setOpen(true)}>
        {say("remove")}
      </Button>
      <Dialog opened={isOpen} onClose={() => setOpen(false)} title={say("removeTitle", { kind, bank })} centered>
        <p className="t13">{say("removeText")}</p>
        {remove.error ? <Problem error={remove.error} /> : null}
        <Group mt="lg" gap="sm" justify="flex-end">
          <Button data-autofocus onClick={() => setOpen(false)}>
            {say("keep")}
          </Button>
          <Button variant="filled" className={classes.final} loading={remove.isPending} onClick={() => remove.mutate()}>
            {say("removeNow")}
          </Button>
        </Group>
      </Dialog>
    </>
  );
}
