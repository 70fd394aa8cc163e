/** Making a key, another one in its place, and ending one. */
import { Button, Checkbox, Group, Select, TextInput } from "@mantine/core";
import { useState } from "react";
import { z } from "zod/mini";

import { api, take, type Schema } from "@/api/client";
import { asProblem } from "@/api/problem";
import { queries } from "@/api/query";
import { Dialog } from "@/control/dialog";
import { Problem } from "@/control/state";
import { FormProblem } from "@/form/form-problem";
import { useProblemForm } from "@/form/use-problem-form";
import classes from "@/settings/settings.module.css";
import { endOfDay } from "@/time/day";
import { Moment } from "@/time/moment";
import { sayer, useWords } from "@/words/words";

import { SCOPES, type ApiKey } from "./query";
import { words } from "./words";

export type Created = Schema["CreatedApiKeyView"];
const say0 = sayer(words);
const renew = () => queries.invalidateQueries({ queryKey: ["configuration", "api-keys"] });

const New = z.object({
  name: z.string().check(z.refine((name) => name.trim() !== "", { error: () => say0("nameNeeded") })),
  description: z.string(),
  scopes: z.array(z.enum(SCOPES)),
  /** A day, as the browser's field has it; "" is never. */
  expiresAt: z.string(),
});

export function NewKeyDialog({ close, made }: { close: () => void; made: (key: Created) => void }) {
  const say = useWords(words);
  const form = useProblemForm({
    schema: New,
    initialValues: { name: "", description: "", scopes: [] as (typeof SCOPES)[number][], expiresAt: "" },
    send: async ({ expiresAt, ...body }) => {
      // Until the end of that day, where the one who chose it is.
      const end = expiresAt === "" ? null : endOfDay(expiresAt);
      const key = await take(api.POST("/v1/api-keys", { body: { ...body, name: body.name.trim(), expiresAt: end } }));
      await renew();
      made(key);
    },
  });
  return (
    <Dialog opened onClose={close} title={say("newTitle")} centered>
      <form onSubmit={form.submit} className={classes.once} noValidate>
        <FormProblem problem={form.problem} />
        <TextInput {...form.input("name")} data-autofocus label={say("name")} description={say("nameHint")} autoComplete="off" />
        <TextInput {...form.input("description")} label={say("description")} />
        <Checkbox.Group {...form.input("scopes")} label={say("scopes")} description={say("scopesHint")}>
          <div className={classes.checks}>
            {SCOPES.map((one) => (
              <Checkbox key={one} size="xs" value={one} label={say(one)} />
            ))}
          </div>
        </Checkbox.Group>
        <TextInput {...form.input("expiresAt")} type="date" label={say("expires")} description={say("expiresHint")} />
        <Group gap="sm" justify="flex-end">
          <Button onClick={close}>{say("cancel")}</Button>
          <Button type="submit" variant="filled" loading={form.sending}>
            {say("create")}
          </Button>
        </Group>
      </form>
    </Dialog>
  );
}

const OVERLAPS = [0, 1, 24, 72, 168] as const;

export function RotateDialog({ of, close, made }: { of: ApiKey; close: () => void; made: (key: Created, hours: number) => void }) {
  const say = useWords(words);
  const [hours, setHours] = useState(24);
  const { run, isBusy, error } = useRun();
  const rotate = () =>
    run(async () => {
      const key = await take(api.POST("/v1/api-keys/{key_id}/rotate", { params: { path: { key_id: of.id } }, body: { overlapHours: hours } }));
      await renew();
      made(key, hours);
    });
  const label = (count: number) => (count > 24 ? say("days", { count: count / 24 }) : say("hours", { count }));
  return (
    <Dialog opened onClose={close} title={say("rotateTitle", { name: of.name })} centered>
      <div className={classes.once}>
        <p className="t13">{say("rotateText")}</p>
        <Select data-autofocus label={say("overlap")} data={OVERLAPS.map((one) => ({ value: String(one), label: label(one) }))} value={String(hours)} onChange={(value) => setHours(Number(value))} />
        {error ? <Problem error={error} /> : null}
        <Group gap="sm" justify="flex-end">
          <Button onClick={close}>{say("cancel")}</Button>
          <Button variant="filled" loading={isBusy} onClick={rotate}>
            {say("rotateNow")}
          </Button>
        </Group>
      </div>
    </Dialog>
  );
}

export function RevokeDialog({ of, close }: { of: ApiKey; close: () => void }) {
  const say = useWords(words);
  const { run, isBusy, error } = useRun();
  const revoke = () =>
    run(async () => {
      await take(api.POST("/v1/api-keys/{key_id}/revoke", { params: { path: { key_id: of.id } } }));
      await renew();
      close();
    });
  return (
    <Dialog opened onClose={close} title={say("revokeTitle", { name: of.name })} centered>
      <div className={classes.once}>
        <p className="t13">{say("revokeText")}</p>
        {of.lastUsedAt ? <p className="t13 med">{say.rich("revokeUsed", { when: <Moment at={of.lastUsedAt} relative /> })}</p> : null}
        {error ? <Problem error={error} /> : null}
        <Group gap="sm" justify="flex-end">
          <Button data-autofocus onClick={close}>
            {say("keep")}
          </Button>
          <Button variant="filled" className={classes.final} loading={isBusy} onClick={revoke}>
            {say("revokeNow")}
          </Button>
        </Group>
      </div>
    </Dialog>
  );
}

/** Does something once at a time; what was refused stays to be said. */
export function useRun() {
  const [isBusy, setBusy] = useState(false);
  const [error, setError] = useState<unknown>(null);
  const run = (work: () => Promise<unknown>) => {
    if (isBusy) return;
    setBusy(true);
    setError(null);
    work()
      .catch((refused: unknown) => {
        if (!asProblem(refused)) throw refused;
        setError(refused);
      })
      .finally(() => setBusy(false));
  };
  return { run, isBusy, error };
}
