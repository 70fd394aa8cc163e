/** The report of one erasure: how far it is, what went, what stayed and why. */
import { Button } from "@mantine/core";
import { useInfiniteQuery, useQuery } from "@tanstack/react-query";

import { asProblem } from "@/api/problem";
import { IdChip } from "@/control/id-chip";
import { Empty, Problem, Skeleton } from "@/control/state";
import { Severity } from "@/look/severity";
import { Part } from "@/settings/document-form";
import shared from "@/settings/settings.module.css";
import { Moment } from "@/time/moment";
import { useWords } from "@/words/words";

import classes from "./erasure.module.css";
import { erasureQuery, usersQuery, type Report } from "./query";
import { words } from "./words";

export function ErasureReport({ id, close }: { id: string; close: () => void }) {
  const say = useWords(words);
  const { data, error, refetch } = useQuery(erasureQuery(id));
  if (error && !data) return asProblem(error)?.status === 404 ? <Empty title={say("gone")}>{say("goneText")}</Empty> : <Problem error={error} again={() => void refetch()} />;
  if (!data) return <Skeleton lines={8} />;
  return (
    <>
      <Part
        title={say(data.state)}
        facts={<IdChip id={data.id} />}
        tools={
          <Button size="compact-xs" variant="subtle" onClick={close}>
            {say("close")}
          </Button>
        }
      >
        <p className="t13" role="status">
          {say("progress", { done: data.done, total: data.total })}
          {data.finishedAt ? <> · {say.rich("finished", { when: <Moment at={data.finishedAt} dated /> })}</> : null}
        </p>
        {data.reason ? <p className="t13 user-text">{data.reason}</p> : null}
        {data.waiting > 0 ? <Severity level="medium">{say("waiting", { count: data.waiting })}</Severity> : null}
        {data.error ? <Severity level="severe">{say("error", { error: data.error })}</Severity> : null}
      </Part>
      <Went of={data} />
      <Part title={say("stayed")}>
        <dl className={classes.stayed}>
          {data.stayed.map((one) => (
            <div key={one.kind}>
              <dt>
                {one.kind}
                {one.items === null ? null : <span className="tnum"> {one.items.toLocaleString()}</span>}
              </dt>
              <dd className="dim">{one.why}</dd>
            </div>
          ))}
        </dl>
      </Part>
      <Users id={id} done={data.done} />
    </>
  );
}

function Went({ of }: { of: Report }) {
  const say = useWords(words);
  return (
    <Part title={say("went")}>
      {of.erased.length === 0 ? (
        <p className="dim t13">{say(of.state === "COMPLETE" ? "wentNothing" : "wentNone")}</p>
      ) : (
        <table className={shared.table}>
          <thead>
            <tr>
              <th scope="col">{say("kind")}</th>
              <th scope="col" className="num">
                {say("rows")}
              </th>
            </tr>
          </thead>
          <tbody>
            {of.erased.map((one) => (
              <tr key={one.kind}>
                <td>{one.kind}</td>
                <td className="num">{one.rows.toLocaleString()}</td>
              </tr>
            ))}
          </tbody>
        </table>
      )}
    </Part>
  );
}

function Users({ id, done }: { id: string; done: number }) {
  const say = useWords(words);
  const list = useInfiniteQuery(usersQuery(id, done));
  const rows = list.data?.pages.flatMap((page) => page.items) ?? [];
  return (
    <Part title={say("people")}>
      <p className="dim t12">{say("peopleText")}</p>
      {list.error && !list.data ? <Problem error={list.error} again={() => void list.refetch()} /> : null}
      <table className={shared.table}>
        <thead>
          <tr>
            <th scope="col">{say("standIn")}</th>
            <th scope="col">{say("state")}</th>
          </tr>
        </thead>
        <tbody>
          {rows.map((one) => (
            <tr key={one.position}>
              <td>
                <IdChip id={one.standIn} />
              </td>
              <td>{one.state === "ERASED_ONCE" && one.dueAt ? say.rich("u_ERASED_ONCE", { when: <Moment at={one.dueAt} /> }) : say(`u_${one.state}`)}</td>
            </tr>
          ))}
        </tbody>
      </table>
      {list.hasNextPage ? (
        <Button size="xs" loading={list.isFetchingNextPage} onClick={() => void list.fetchNextPage()}>
          {say("more")}
        </Button>
      ) : null}
    </Part>
  );
}
