/** One bulk action: how far it is, what can still be done about it, and what became of each item. */
import { Button, SegmentedControl } from "@mantine/core";
import { useInfiniteQuery, useMutation, useQuery } from "@tanstack/react-query";
import { Link } from "@tanstack/react-router";

import { queries } from "@/api/query";
import { useNames } from "@/configuration/names";
import { Problem, Skeleton } from "@/control/state";
import { toast } from "@/control/toast";
import { Part } from "@/settings/document-form";
import shared from "@/settings/settings.module.css";
import { Moment } from "@/time/moment";
import { useWords } from "@/words/words";

import classes from "./bulk-action.module.css";
import { ConfirmPart } from "./confirm-part";
import { bulkQuery, COMMANDS, ITEM_STATES, itemsQuery, steer, type Bulk, type Search } from "./query";
import { useWhat } from "./what";
import { words } from "./words";

interface Props {
  readonly id: string;
  readonly items: Search["items"];
  readonly show: (items: Search["items"]) => void;
  readonly close: () => void;
}

export function BulkPane({ id, items, show, close }: Props) {
  const { data, error, refetch } = useQuery(bulkQuery(id));
  if (error && !data) return <Problem error={error} again={() => void refetch()} />;
  return data ? <Shown bulk={data} items={items} show={show} close={close} /> : <Skeleton lines={8} />;
}

function Shown({ bulk, items, show, close }: Omit<Props, "id"> & { bulk: Bulk }) {
  const say = useWords(words);
  const what = useWhat(useNames());
  const told = (now: Bulk) => {
    queries.setQueryData(bulkQuery(bulk.id).queryKey, now);
    void queries.invalidateQueries({ queryKey: ["bulk-actions"], exact: true });
  };
  const change = useMutation({
    mutationFn: (command: "pause" | "resume" | "cancel") => steer(bulk.id, command),
    onSuccess: (now, command) => {
      told(now);
      toast(say("steered", { command }));
    },
  });
  return (
    <>
      <Part
        title={what(bulk)}
        facts={say(`state_${bulk.state}`)}
        tools={
          <>
            {COMMANDS[bulk.state].map((command) => (
              <Button key={command} size="compact-xs" loading={change.isPending && change.variables === command} onClick={() => change.mutate(command)}>
                {say(command)}
              </Button>
            ))}
            <Button size="compact-xs" variant="subtle" onClick={close}>
              {say("close")}
            </Button>
          </>
        }
      >
        {change.error ? <Problem error={change.error} /> : null}
        <progress className={classes.progress} max={Math.max(1, bulk.total)} value={bulk.requested + bulk.refused} aria-label={say("progress")} />
        <dl className={classes.figures}>
          <Figure name={say("items")} value={bulk.total} />
          <Figure name={say("done")} value={bulk.requested} />
          <Figure name={say("refused")} value={bulk.refused} />
        </dl>
        <p className="dim t12 user-text">
          {say("orderedBy", { name: bulk.createdByPerson?.name ?? bulk.createdBy })} <Moment at={bulk.createdAt} />
          {bulk.confirmedBy === null ? null : ` · ${say("confirmedBy", { name: bulk.confirmedByPerson?.name ?? bulk.confirmedBy })}`}
        </p>
        {bulk.note ? <p className="t13 user-text">{bulk.note}</p> : null}
        {bulk.kind === "ACTION" && bulk.requested > 0 ? (
          <Link to="/decisions" className="t13">
            {say("takeBack")}
          </Link>
        ) : null}
      </Part>
      {bulk.state === "PREVIEW" ? <ConfirmPart bulk={bulk} told={told} /> : null}
      <Items bulk={bulk} state={items} show={show} />
    </>
  );
}

function Figure({ name, value }: { name: string; value: number }) {
  return (
    <div>
      <dd className="tnum">{value.toLocaleString()}</dd>
      <dt>{name}</dt>
    </div>
  );
}

function Items({ bulk, state, show }: { bulk: Bulk; state: Search["items"]; show: Props["show"] }) {
  const say = useWords(words);
  const list = useInfiniteQuery(itemsQuery(bulk.id, state, `${bulk.state}${bulk.requested + bulk.refused}`));
  const counts = { REQUESTED: bulk.requested, REFUSED: bulk.refused, WAITING: 0 };
  const rows = list.data?.pages.flatMap((page) => page.items) ?? [];
  return (
    <Part title={say("itemsOf")}>
      <SegmentedControl size="xs" className={classes.shown} aria-label={say("shown")} data={[{ value: "", label: say("all") }, ...ITEM_STATES.map((one) => ({ value: one as string, label: say(`items_${one}`, { count: counts[one] }) }))]} value={state ?? ""} onChange={(next) => show(ITEM_STATES.find((one) => one === next))} />
      {list.error && !list.data ? <Problem error={list.error} again={() => void list.refetch()} /> : null}
      {list.isPending ? <Skeleton lines={4} /> : null}
      {list.data && rows.length === 0 ? <p className="dim t13">{say("noItems")}</p> : null}
      {rows.length > 0 ? (
        <ul className={classes.items}>
          {rows.map((one) => (
            <li key={one.position}>
              <Link to="/investigate" search={{ type: one.itemTypeId, id: one.itemId }} className="user-text ell">
                {one.itemId}
              </Link>
              <span className={one.state === "REFUSED" ? "severe t12" : "dim t12"}>{one.reason ?? say(`item_${one.state}`)}</span>
              <span className="dim t12">{[...new Set(one.deliveries)].map((delivery) => say(`delivery_${delivery}`)).join(", ")}</span>
            </li>
          ))}
        </ul>
      ) : null}
      {list.hasNextPage ? (
        <Button size="xs" className={shared.find} loading={list.isFetchingNextPage} onClick={() => void list.fetchNextPage()}>
          {say("more")}
        </Button>
      ) : null}
    </Part>
  );
}
