/** How a rule came to be as it is: each revision, who made it, what differs from now, and back to it. */
import { Button } from "@mantine/core";
import { useInfiniteQuery, useMutation, useQuery } from "@tanstack/react-query";
import { useEffect, useRef, useState } from "react";

import { asProblem } from "@/api/problem";
import type { Names } from "@/configuration/names";
import { changesBetween, Differences } from "@/control/difference";
import { Problem, Skeleton } from "@/control/state";
import { toast } from "@/control/toast";
import { usePermission } from "@/session/session";
import { absolute } from "@/time/moment";
import { useWords } from "@/words/words";

import { AskApproval } from "./ask-approval";
import { comparable, FIELDS, fieldValued, type Field } from "./compared";
import { useAsks } from "./parts";
import { proposalsQuery } from "./proposal";
import { words as proposalWords } from "./proposal-words";
import { bodyOf, valuesOf } from "./draft";
import { restore, revisionsQuery, type Revision, type Rule } from "./query";
import { Refused, renewed } from "./refused";
import classes from "./rule.module.css";
import { words } from "./words";

interface Props {
  readonly rule: Rule;
  readonly names: Names;
  /** The one that is compared with now: it is in the address. */
  readonly opened: number | undefined;
  readonly open: (revision: number | undefined) => void;
}

export function Revisions({ rule, names, opened, open }: Props) {
  const say = useWords(words);
  const { data, error, isPending, refetch, hasNextPage, isFetchingNextPage, fetchNextPage } = useInfiniteQuery(revisionsQuery(rule.id));
  const revisions = data?.pages.flatMap((page) => page.items) ?? [];
  const isMissing = data !== undefined && opened !== undefined && !revisions.some((one) => one.revision === opened);
  useEffect(() => {
    if (isMissing && hasNextPage && !isFetchingNextPage) void fetchNextPage();
  }, [isMissing, hasNextPage, isFetchingNextPage, fetchNextPage]);
  if (error) return <Problem error={error} again={() => void refetch()} />;
  if (isPending) return <Skeleton lines={6} />;
  return (
    <section className={classes.part}>
      <h2>{say("revisions")}</h2>
      {isMissing && !hasNextPage ? (
        <p className="t13" role="status">
          {say("noRevision", { number: String(opened) })}
        </p>
      ) : null}
      {revisions.map((one, index) => (
        <Entry key={one.revision} revision={one} rule={rule} names={names} isFirst={!hasNextPage && index === revisions.length - 1} isOpen={one.revision === opened} toggle={() => open(one.revision === opened ? undefined : one.revision)} />
      ))}
      {hasNextPage ? (
        <Button size="xs" loading={isFetchingNextPage} onClick={() => void fetchNextPage()}>
          {say("older")}
        </Button>
      ) : null}
    </section>
  );
}

interface EntryProps {
  readonly revision: Revision;
  readonly rule: Rule;
  readonly names: Names;
  readonly isFirst: boolean;
  readonly isOpen: boolean;
  readonly toggle: () => void;
}

function Entry({ revision, rule, names, isFirst, isOpen, toggle }: EntryProps) {
  const say = useWords(words);
  const sayProposal = useWords(proposalWords);
  const entry = useRef<HTMLElement>(null);
  useEffect(() => {
    if (isOpen) entry.current?.scrollIntoView({ block: "nearest" });
  }, [isOpen]);
  const isNow = revision.revision === rule.revision;
  const { data: proposals } = useQuery({ ...proposalsQuery(rule.id), retry: false });
  const asker = proposals?.items.find(({ savedRevision }) => savedRevision === revision.revision)?.proposedByPerson?.name;
  const number = say("revision", { number: String(revision.revision) });
  const changed = FIELDS.filter((field) => revision.changed.includes(field)).map((field) => say(`field_${field}`));
  return (
    <article ref={entry} className={classes.revision} aria-current={isOpen || undefined}>
      <div className="row g8">
        <b>{number}</b>
        <span className="user-text ell">{isFirst ? say("first") : changed.join(", ")}</span>
        {isNow ? <span className="end dim t12">{say("asItIs")}</span> : null}
      </div>
      <div className="row g8 dim t12">
        <span>{say("by", { name: revision.authorPerson?.name ?? revision.authorEmail ?? revision.author, when: absolute(revision.time, false) })}{asker ? `, ${sayProposal("askedBy", { name: asker })}` : ""}</span>
        {isNow || revision.document === null ? null : (
          <Button size="compact-xs" variant="subtle" className="end" aria-expanded={isOpen} onClick={toggle}>
            {say(isOpen ? "hide" : "compare")}
          </Button>
        )}
      </div>
      {isOpen && revision.document ? <Compared then={revision.document} rule={rule} names={names} number={revision.revision} /> : null}
    </article>
  );
}

interface ComparedProps {
  readonly then: Rule;
  readonly rule: Rule;
  readonly names: Names;
  readonly number: number;
}

function Compared({ then, rule, names, number }: ComparedProps) {
  const say = useWords(words);
  const asks = useAsks();
  const may = usePermission(rule.status === "LIVE" || then.status === "LIVE" ? "MUTATE_LIVE_RULES" : "MUTATE_NON_LIVE_RULES");
  const [seen] = useState(rule);
  const back = useMutation({
    mutationFn: () => restore(seen, number),
    onSuccess: (now) => {
      renewed(now);
      toast(say("restored", { name: now.name, number: String(number) }));
    },
  });
  const said = (one: Rule) => comparable(one, asks, say);
  const changes = changesBetween(said(then), said(rule));
  const isSameText = changes.every(({ name }) => name !== "conditionSet") && JSON.stringify(then.conditionSet) !== JSON.stringify(rule.conditionSet);
  const all = isSameText ? [...changes, { name: "conditionSet", before: JSON.stringify(then.conditionSet), after: JSON.stringify(rule.conditionSet) }] : changes;
  const label = say("revision", { number: String(number) });
  return (
    <>
      {all.length === 0 ? <p className="dim">{say("same")}</p> : <Differences changes={all} named={(field) => say(`field_${field as Field}`)} valued={fieldValued(names)} was={say("was")} is={say("is")} />}
      {asProblem(back.error)?.kind === "needs-approval" ? <AskApproval base={seen} body={bodyOf(valuesOf(then))} asked={() => back.reset()} /> : back.error ? <Refused error={back.error} rule={rule} /> : null}
      {may && all.length > 0 ? (
        <Button size="xs" loading={back.isPending} onClick={() => back.mutate()}>
          {say("restore", { revision: label })}
        </Button>
      ) : null}
    </>
  );
}
