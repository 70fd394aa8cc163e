/** Deliveries, newest first; one of them open with each try, its answer, and the way to send it again. */
import { Button } from "@mantine/core";
import { useInfiniteQuery, useQuery } from "@tanstack/react-query";
import { IconChevronDown, IconChevronRight } from "@tabler/icons-react";
import { useState } from "react";

import { api, take } from "@/api/client";
import { asProblem } from "@/api/problem";
import { queries } from "@/api/query";
import { useNames } from "@/configuration/names";
import { IdChip } from "@/control/id-chip";
import { InertButton } from "@/control/inert";
import { sentenceOf } from "@/control/sentence";
import { Empty, Problem, Skeleton } from "@/control/state";
import { toast } from "@/control/toast";
import { Severity } from "@/look/severity";
import { Code } from "@/settings/code";
import shared from "@/settings/settings.module.css";
import { Moment } from "@/time/moment";
import { useWords } from "@/words/words";

import classes from "./delivery.module.css";
import { deliveriesQuery, deliveryQuery, type Delivery, type Search } from "./query";
import { words } from "./words";

interface Props {
  readonly search: Search;
  /** Without the column of the action: it is the same for all. */
  readonly isOne: boolean;
  readonly showAll: () => void;
}

export function DeliveryList({ search, isOne, showAll }: Props) {
  const say = useWords(words);
  const list = useInfiniteQuery(deliveriesQuery(search));
  const [opened, setOpened] = useState<string | null>(null);
  if (list.error && !list.data) return <Problem error={list.error} again={() => void list.refetch()} />;
  if (!list.data) return <Skeleton lines={5} />;
  const rows = list.data.pages.flatMap((page) => page.items);
  if (rows.length === 0) {
    return search.state === undefined ? (
      <Empty title={say("emptyTitle")}>{say("emptyText")}</Empty>
    ) : (
      <Empty title={say("noneFits")} next={<Button onClick={showAll}>{say("showAll")}</Button>}>
        {say("noneFitsText")}
      </Empty>
    );
  }
  return (
    <div className={shared.scroll}>
      <table className={`${shared.table ?? ""} ${classes.table ?? ""}`}>
        <thead>
          <tr>
            <th scope="col">
              <span className="hidden">{say("open")}</span>
            </th>
            <th scope="col">{say("time")}</th>
            {isOne ? null : <th scope="col">{say("action")}</th>}
            <th scope="col">{say("item")}</th>
            <th scope="col">{say("answer")}</th>
            <th scope="col" className="num">
              {say("tries")}
            </th>
            <th scope="col">{say("next")}</th>
          </tr>
        </thead>
        {rows.map((row) => (
          <Row key={row.executionId} row={row} isOne={isOne} isOpen={opened === row.executionId} toggle={() => setOpened(opened === row.executionId ? null : row.executionId)} />
        ))}
      </table>
      {list.hasNextPage ? (
        <Button size="xs" className={classes.more} loading={list.isFetchingNextPage} onClick={() => void list.fetchNextPage()}>
          {say("loadMore")}
        </Button>
      ) : null}
    </div>
  );
}

function Row({ row, isOne, isOpen, toggle }: { row: Delivery; isOne: boolean; isOpen: boolean; toggle: () => void }) {
  const say = useWords(words);
  const names = useNames();
  const Chevron = isOpen ? IconChevronDown : IconChevronRight;
  const what = row.actionId ? names.action(row.actionId) : row.kind === "ACTION" ? "–" : say(row.kind);
  return (
    <tbody>
      <tr data-open={isOpen || undefined}>
        <td>
          <button type="button" className={classes.toggle} aria-expanded={isOpen} aria-label={isOpen ? say("close") : say("open")} onClick={toggle}>
            <Chevron className="icon" aria-hidden="true" />
          </button>
        </td>
        <td className="dim">
          <Moment at={row.createdAt} dated />
        </td>
        {isOne ? null : <td className="user-text">{what}</td>}
        <td>
          <IdChip id={row.item.id} />
        </td>
        <td>
          <Outcome row={row} />
        </td>
        <td className="num">{row.attempts}</td>
        <td className="dim">{row.state !== "PENDING" || row.waitsFor === null ? "–" : say.rich(row.waitsFor, { when: row.nextAttemptAt ? <Moment at={row.nextAttemptAt} relative /> : "" })}</td>
      </tr>
      {isOpen ? (
        <tr className={classes.detail}>
          <td colSpan={isOne ? 6 : 7}>
            <Detail id={row.executionId} />
          </td>
        </tr>
      ) : null}
    </tbody>
  );
}

function Outcome({ row }: { row: Delivery }) {
  const say = useWords(words);
  if (row.state === "DELIVERED") return <Severity level="done">{row.lastStatus ?? say("accepted")}</Severity>;
  if (row.state === "DEAD") return <Severity level="severe">{row.lastStatus ?? say("DEAD")}</Severity>;
  return <Severity level={row.attempts > 0 ? "high" : "none"}>{row.attempts > 0 ? (row.lastStatus ?? say("noAnswer")) : say("waiting")}</Severity>;
}

function Detail({ id }: { id: string }) {
  const say = useWords(words);
  const { data, error, refetch } = useQuery(deliveryQuery(id));
  const [isBusy, setBusy] = useState(false);
  if (error && !data) return <Problem error={error} again={() => void refetch()} />;
  if (!data) return <Skeleton lines={2} />;
  const again = async () => {
    setBusy(true);
    try {
      await take(api.POST("/v1/deliveries/{execution_id}/redeliver", { params: { path: { execution_id: id } } }));
      toast(say("sentAgain"));
      await queries.invalidateQueries({ queryKey: ["deliveries"] });
    } catch (refused) {
      const problem = asProblem(refused);
      if (!problem) throw refused;
      toast(sentenceOf(problem));
    } finally {
      setBusy(false);
    }
  };
  return (
    <div className={classes.tries}>
      {data.log.length === 0 ? <p className="dim">{say("noAttempts")}</p> : null}
      <ol>
        {data.log.map((one) => (
          <li key={one.number}>
            <Severity level={one.status !== null && one.status < 300 ? "done" : "severe"}>{one.status ?? say("noAnswer")}</Severity>
            <Moment at={one.startedAt} dated />
            <span className="user-text grow">{one.error ?? one.response ?? ""}</span>
            <span className="num dim">{say("ms", { ms: Math.round(one.latencyMs) })}</span>
          </li>
        ))}
      </ol>
      {data.lastError && data.log.length === 0 ? <p className="user-text">{data.lastError}</p> : null}
      <p className="dim t12 user-text">
        {data.actor ? say("askedBy", { name: data.actor.name }) : data.rules.length > 0 ? say("byRules", { count: data.rules.length, names: data.rules.map((rule) => rule.name).join(", ") }) : null}
      </p>
      {data.body ? <Code label={say("body")} text={data.body} /> : null}
      <div className="row g8">
        {data.state === "DELIVERED" ? null : (
          <InertButton size="xs" loading={isBusy} why={data.state === "DEAD" ? null : say("sendAgainWhy")} onClick={() => void again()}>
            {say("sendAgain")}
          </InertButton>
        )}
        <span className="end row g4 dim t12">
          {say("id")} <IdChip id={data.executionId} />
        </span>
      </div>
    </div>
  );
}
