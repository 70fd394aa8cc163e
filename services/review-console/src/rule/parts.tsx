/** What the list of rules and the page of one share: its state, its days, what it asks. */
import { useQuery } from "@tanstack/react-query";
import { useMemo } from "react";

import { sentenceOf, type Called } from "@/condition/sentence";
import { words as conditionWords } from "@/condition/words";
import { shortened } from "@/control/id-chip";
import { useWords } from "@/words/words";

import { partsQuery, type Matches, type Rule, type Status } from "./query";
import classes from "./rule.module.css";
import { words } from "./words";

export function StatusMark({ status }: { status: Status }) {
  const say = useWords(words);
  return (
    <span className="row g8">
      <i className={classes.mark} data-status={status} aria-hidden="true" />
      {say(status)}
    </span>
  );
}

/** Scaled to its own highest day: the number beside says how many. */
export function Bars({ matches, status, isTall = false }: { matches: Matches; status: Status; isTall?: boolean }) {
  const say = useWords(words);
  const most = Math.max(...matches.days, 0);
  const text = say("bars", { total: matches.days.reduce((all, one) => all + one, 0), count: matches.days.length, most });
  return (
    <span className={`${classes.bars ?? ""} ${isTall ? (classes.tall ?? "") : ""}`} data-quiet={status === "LIVE" ? undefined : true} role="img" aria-label={text} title={text}>
      {matches.days.map((count, day) => (
        <i key={day} data-none={count === 0 || undefined} style={{ height: most === 0 ? undefined : `${(count / most) * 100}%` }} />
      ))}
    </span>
  );
}

/** What a rule asks, as a sentence; with ids where names are not open, or not there yet. */
export function useAsks(): (rule: Pick<Rule, "conditionSet">) => string {
  const say = useWords(conditionWords);
  const called = useCalled();
  return (rule) => sentenceOf(rule.conditionSet, called, say);
}

/** What signals and banks are called, by their types and ids. */
export function useCalled(): Called {
  const { data } = useQuery({ ...partsQuery, retry: false });
  return useMemo(() => {
    const signals = new Map(data?.signals.map((one) => [one.name, one.displayName || one.name]));
    const { texts = [], places = [], hashes = [] } = data?.banks ?? {};
    const banks = new Map([...texts, ...places, ...hashes].map((one) => [one.id, one.name]));
    return { signal: (type) => signals.get(type) ?? type.replaceAll("_", " ").toLowerCase(), bank: (id) => banks.get(id) ?? shortened(id) };
  }, [data]);
}
