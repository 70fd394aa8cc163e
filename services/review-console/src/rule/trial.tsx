/** What a rule says of words that somebody might post: answered while they are written. */
import { Select, TextInput } from "@mantine/core";
import { keepPreviousData, useQuery } from "@tanstack/react-query";
import { useDebouncedValue } from "@mantine/hooks";
import { useState } from "react";

import { Tree } from "@/condition/tree";
import type { Names } from "@/configuration/names";
import { Problem } from "@/control/state";
import { useSession } from "@/session/session";
import { useWords } from "@/words/words";

import { tried, type Rule } from "./query";
import classes from "./rule.module.css";
import { words } from "./words";

const WRITTEN = ["STRING", "URL", "NUMBER"];
const MOST_FIELDS = 8;
/** Without a key, before it is asked. */
const PAUSE_MS = 150;
const TESTS = ["MUTATE_NON_LIVE_RULES", "MUTATE_LIVE_RULES", "RUN_BACKTEST"] as const;

export function Trial({ rule, names }: { rule: Rule; names: Names }) {
  const say = useWords(words);
  const { permissions } = useSession();
  const may = TESTS.some((one) => permissions.includes(one));
  const [typeId, setType] = useState(rule.itemTypeIds[0] ?? null);
  const [values, setValues] = useState<Readonly<Record<string, string>>>({});
  const type = names.itemTypes.find((one) => one.id === typeId);
  const fields = (type?.fields ?? []).filter((one) => WRITTEN.includes(one.type)).slice(0, MOST_FIELDS);
  const data = Object.fromEntries(
    fields.flatMap(({ name, type: kind }) => {
      const value = values[name];
      if (!value) return [];
      return [[name, kind === "NUMBER" && Number.isFinite(Number(value)) ? Number(value) : value] as const];
    }),
  );
  const [asked] = useDebouncedValue(JSON.stringify({ typeId, data }), PAUSE_MS);
  const isAsked = may && typeId !== null && Object.keys(data).length > 0;
  const { data: answer, error } = useQuery({
    queryKey: ["rule-trial", rule.id, rule.revision, asked],
    enabled: isAsked,
    retry: false,
    gcTime: 10_000,
    placeholderData: keepPreviousData,
    queryFn: ({ signal }) => tried(rule.id, JSON.parse(asked) as Parameters<typeof tried>[1], signal),
  });
  return (
    <section className={classes.part}>
      <h2>{say("tryTitle")}</h2>
      <p className="dim t13">{say(may ? "tryText" : "cannotTry")}</p>
      <div className={classes.trial}>
      {may ? (
        <div className={classes.fields}>
          {rule.itemTypeIds.length > 1 ? <Select size="xs" label={say("tryType")} value={typeId} onChange={setType} data={rule.itemTypeIds.map((id) => ({ value: id, label: names.itemType(id) }))} allowDeselect={false} /> : null}
          {fields.map(({ name }) => (
            <TextInput key={name} size="xs" label={name.replaceAll("_", " ")} value={values[name] ?? ""} onChange={(event) => setValues({ ...values, [name]: event.currentTarget.value })} />
          ))}
        </div>
      ) : null}
      <div className={classes.answer} role="status">
        {!may ? null : !isAsked ? (
          <span className="dim">{say("tryNothing")}</span>
        ) : error ? (
          <Problem error={error} />
        ) : answer ? (
          <>
            <b className={answer.outcome === "PASSED" ? "high" : answer.outcome === "ERRORED" ? "severe" : undefined}>{say(answer.outcome)}</b>
            <Tree node={answer.conditions} />
          </>
        ) : null}
      </div>
      </div>
    </section>
  );
}
