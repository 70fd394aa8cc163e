/** Golden items: how people answered them, and which there are. */
import { Button } from "@mantine/core";
import { useMutation, useQuery } from "@tanstack/react-query";
import { Link } from "@tanstack/react-router";

import { api, take } from "@/api/client";
import { queries } from "@/api/query";
import { RowBar } from "@/chart/chart";
import { Figure, SheetTable } from "@/chart/figure";
import { useNames, type Names } from "@/configuration/names";
import { Empty, Problem, Skeleton } from "@/control/state";
import { toast } from "@/control/toast";
import { shareOf } from "@/measure/change";
import shared from "@/measure/measure.module.css";
import { absolute, Moment } from "@/time/moment";
import { useWords, type Say } from "@/words/words";

import { goldenQuery, resultsQuery, type Asked, type Golden } from "./query";
import { words } from "./words";

const PARTS = ["correct", "outcomeCorrect", "actionsCorrect", "policiesCorrect"] as const;
const HEADS = ["wholly", "outcomeRight", "actionsRight", "policiesRight"] as const;

export function ResultFigure({ asked }: { asked: Asked }) {
  const say = useWords(words);
  const names = useNames();
  const { data, error, refetch } = useQuery(resultsQuery(asked));
  const rows = (data ?? []).map((one) => ({ ...one, name: one.reviewer?.name ?? one.reviewerId, queue: names.queue(one.queueId) })).toSorted((a, b) => a.name.localeCompare(b.name));
  const columns = [{ name: say("person") }, { name: say("queue") }, { name: say("answered"), numeric: true }, ...HEADS.map((head) => ({ name: say(head), numeric: true }))];
  const sheet = { columns, rows: rows.map((row) => [row.name, row.queue, row.answered, ...PARTS.map((part) => row[part])]) };
  const percent = (part: number, all: number) => say("percent", { value: Math.round(shareOf(part, all) ?? 0) });
  const readable = { columns, rows: rows.map((row) => [row.name, row.queue, row.answered, ...PARTS.map((part) => percent(row[part], row.answered))]) };
  const bars = (
    <ul className={shared.people}>
      {rows.map((row) => (
        <li key={`${row.reviewerId} ${row.queueId}`}>
          <span className="ell user-text" title={`${row.name} · ${row.queue}`}>
            {row.name}
          </span>
          <RowBar thick most={row.answered} parts={[{ value: row.correct, colour: "var(--ch1)" }]} />
          <span className="num">{percent(row.correct, row.answered)}</span>
        </li>
      ))}
    </ul>
  );
  const instead = error ? <Problem error={error} again={() => void refetch()} /> : !data ? <Skeleton lines={4} /> : rows.length === 0 ? <p className="t13 dim">{say("goldenNone")}</p> : null;
  return <Figure title={say("results")} sheet={sheet} file={`golden-results-${asked.window.from}-${asked.window.to}`} first="table" chart={instead ?? bars} table={instead ?? <SheetTable title={say("results")} sheet={readable} />} />;
}

function answerOf(golden: Golden, names: Names, say: Say<Extract<keyof typeof words.messages, string>>): string {
  const parts = golden.components.map((part) => {
    switch (part.type) {
      case "CUSTOM_ACTION":
      case "RELATED_ACTION":
        return (part.actionIds ?? []).map(names.action).join(", ");
      case "IGNORE":
        return say("noViolation");
      case "MOVE":
        return say("move");
      case "ACCEPT_APPEAL":
        return say("acceptAppeal");
      case "REJECT_APPEAL":
        return say("rejectAppeal");
      default:
        return say("escalate");
    }
  });
  return parts.join(", ");
}

export function GoldenFigure({ queue }: { queue: string | undefined }) {
  const say = useWords(words);
  const names = useNames();
  const { data, error, refetch } = useQuery(goldenQuery(queue));
  const retire = useMutation({
    mutationFn: (id: string) => take(api.DELETE("/v1/quality/golden-items/{golden_id}", { params: { path: { golden_id: id } } })),
    onSuccess: () => toast(say("retiredDone")),
    onSettled: () => queries.invalidateQueries({ queryKey: ["quality", "golden-items"] }),
  });
  const rows = data ?? [];
  const columns = [{ name: say("since") }, { name: say("queue") }, { name: say("right") }, { name: say("note") }, { name: say("named") }, { name: say("state") }];
  const sheet = { columns, rows: rows.map((row) => [row.createdAt, names.queue(row.queueId), answerOf(row, names, say), row.note, row.createdByPerson?.name ?? row.createdBy, say(row.retiredAt ? "retired" : "inUse")]) };
  const readable = {
    columns,
    rows: rows.map((row) => [
      <Link key="at" to="/decisions" search={{ peek: row.decisionId, job: row.jobId }}>
        <Moment at={row.createdAt} />
      </Link>,
      names.queue(row.queueId),
      <span key="answer" className="user-text">{answerOf(row, names, say)}</span>,
      <span key="note" className="user-text">{row.note ?? say("none")}</span>,
      row.createdByPerson?.name ?? row.createdBy,
      row.retiredAt ? (
        <span key="state" className="dim" title={absolute(row.retiredAt)}>
          {say("retired")}
        </span>
      ) : (
        <Button key="state" size="compact-sm" aria-label={say("retireOf", { queue: names.queue(row.queueId) })} loading={retire.isPending && retire.variables === row.id} onClick={() => retire.mutate(row.id)}>
          {say("retire")}
        </Button>
      ),
    ]),
  };
  const none = (
    <Empty title={say("itemsNone")} next={<Link to="/decisions" search={{ source: ["MRT_JOB"] }}>{say("toDecisions")}</Link>}>
      {say("itemsNoneText")}
    </Empty>
  );
  const failed = error ?? retire.error;
  const instead = error ? <Problem error={error} again={() => void refetch()} /> : !data ? <Skeleton lines={4} /> : rows.length === 0 ? none : null;
  const table = (
    <>
      {failed && !error ? <Problem error={failed} /> : null}
      {instead ?? <SheetTable title={say("items")} sheet={readable} />}
    </>
  );
  return <Figure title={say("items")} sub={say("itemsSub")} sheet={sheet} file="golden-items" first="table" chart={table} table={table} />;
}
