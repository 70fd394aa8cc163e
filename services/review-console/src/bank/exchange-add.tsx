/** Filling a bank from an exchange: its kinds, and the fields of each, as the server describes them. */
import { PasswordInput, SegmentedControl, Select, TextInput } from "@mantine/core";
import { Link } from "@tanstack/react-router";
import { useState } from "react";
import { z } from "zod/mini";

import { InertButton } from "@/control/inert";
import { toast } from "@/control/toast";
import { FormProblem } from "@/form/form-problem";
import { useProblemForm } from "@/form/use-problem-form";
import { Part } from "@/settings/document-form";
import { useWords } from "@/words/words";

import classes from "./bank.module.css";
import { addExchange, bodyOf, fits, isSetting, type ExchangeKind, type Offer } from "./exchange";
import { words } from "./exchange-words";
import type { HashBank } from "./hash";

const HINTS = { espIds: "espIdsHint", privacyGroup: "privacyGroupHint", file: "fileHint" } as const;
const WRONG = { espIds: "espIdsWrong", privacyGroup: "privacyGroupWrong", file: "fileWrong" } as const;

type Values = { bankId: string; settings: Record<string, string>; credentials: Record<string, string> };

export function AddExchange({ offers, banks }: { offers: readonly Offer[]; banks: readonly HashBank[] }) {
  const say = useWords(words);
  const [kind, setKind] = useState<ExchangeKind | null>(null);
  const offer = offers.find((one) => one.kind === kind) ?? offers.find((one) => one.lack === null) ?? offers[0];
  const lacks = [...new Set(offers.map(({ lack }) => lack))];
  if (!offer) return null;
  return (
    <Part title={say("add")}>
      {lacks.length === 1 && lacks[0] ? (
        <div className={classes.answer}>
          <p>{say("lackAll")}</p>
          <p className="user-text">{lacks[0]}</p>
        </div>
      ) : banks.length === 0 ? (
        <div className={classes.answer}>
          <p>{say("emptyBanks")}</p>
          <Link to="/banks/hash/$bankId" params={{ bankId: "new" }}>
            {say("newBank")}
          </Link>
        </div>
      ) : (
        <>
          <SegmentedControl size="xs" orientation="vertical" aria-label={say("kind")} data={offers.map((one) => ({ value: one.kind, label: say(one.kind) }))} value={offer.kind} onChange={setKind} />
          {/* Another kind has other fields. */}
          <Form key={offer.kind} offer={offer} banks={banks} />
        </>
      )}
    </Part>
  );
}

function Form({ offer, banks }: { offer: Offer; banks: readonly HashBank[] }) {
  const say = useWords(words);
  const paths = ["bankId", ...offer.settings.map(({ name }) => `settings.${name}`), ...offer.credentials.map(({ name }) => `credentials.${name}`)];
  const empty: Values = {
    bankId: banks.length === 1 ? (banks[0]?.id ?? "") : "",
    settings: Object.fromEntries(offer.settings.map(({ name }) => [name, ""])),
    credentials: Object.fromEntries(offer.credentials.map(({ name }) => [name, ""])),
  };
  const { form, input, problem, sending, submit } = useProblemForm<Values>({
    schema: z.object({
      bankId: z.string().check(z.minLength(1, { error: () => say("bankNeeded") })),
      settings: z.object(
        Object.fromEntries(
          offer.settings.map(({ name, required }) => [
            name,
            z.string().check(
              z.refine((text) => !required || text.trim() !== "", { error: () => say("needed") }),
              z.refine((text) => text.trim() === "" || !isSetting(name) || fits(name, text), { error: () => (isSetting(name) ? say(WRONG[name]) : "") }),
            ),
          ]),
        ),
      ),
      credentials: z.object(Object.fromEntries(offer.credentials.map(({ name, required }) => [name, z.string().check(z.refine((text) => !required || text !== "", { error: () => say("needed") }))]))),
    }),
    paths,
    initialValues: empty,
    send: async (values) => {
      await addExchange(values.bankId, bodyOf(offer, values.settings, values.credentials));
      toast(say("added1", { kind: say(offer.kind), bank: banks.find(({ id }) => id === values.bankId)?.name ?? "" }));
    },
    held: () => empty,
  });
  const label = (name: string) => (isSetting(name) || isSecret(name) ? say(name) : name);
  return (
    <form
      className={classes.fields}
      autoComplete="off"
      onSubmit={(event) => {
        event.preventDefault();
        if (offer.lack === null) submit();
      }}
    >
      <FormProblem problem={problem} />
      <Select size="xs" label={say("bank")} data={banks.map(({ id, name }) => ({ value: id, label: name }))} searchable value={form.values.bankId || null} onChange={(id) => form.setFieldValue("bankId", id ?? "")} error={form.errors.bankId} />
      {offer.settings.map(({ name, required }) => (
        <TextInput key={name} {...input(`settings.${name}`)} size="xs" label={label(name)} description={isSetting(name) ? say(HINTS[name]) : undefined} withAsterisk={required} spellCheck={false} autoComplete="off" data-1p-ignore />
      ))}
      {offer.credentials.map(({ name, required }) => (
        <PasswordInput key={name} {...input(`credentials.${name}`)} size="xs" label={label(name)} description={say("secretHint")} withAsterisk={required} autoComplete="new-password" data-1p-ignore />
      ))}
      <span>
        <InertButton why={offer.lack === null ? null : say("lack", { lack: offer.lack })} size="xs" type="submit" variant="filled" loading={sending}>
          {say("addNow")}
        </InertButton>
      </span>
      {offer.lack === null ? null : <p className="dim t12">{say("lack", { lack: offer.lack })}</p>}
    </form>
  );
}

const SECRETS = ["user", "password", "fetchFunctionKey", "subscriptionKey", "apiToken"] as const;

export function isSecret(name: string): name is (typeof SECRETS)[number] {
  return SECRETS.some((one) => one === name);
}
