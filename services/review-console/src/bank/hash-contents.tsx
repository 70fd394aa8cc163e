/** The hashes of a bank, a page at a time, newest first: disabled, enabled, removed. */
import { Button, Group } from "@mantine/core";
import { useInfiniteQuery, useMutation, useQuery } from "@tanstack/react-query";
import { useState } from "react";

import { api, take } from "@/api/client";
import { Dialog } from "@/control/dialog";
import { CopyChip, shortened } from "@/control/id-chip";
import { Empty, Problem, Skeleton } from "@/control/state";
import { toast } from "@/control/toast";
import { Severity } from "@/look/severity";
import { DataTable, type Column } from "@/table/data-table";
import { NOTHING, type Selection } from "@/table/selection";
import { Moment } from "@/time/moment";
import { useWords } from "@/words/words";

import { sizesQuery } from "./bank";
import classes from "./bank.module.css";
import { hashesQuery, renewHashes, type Hash, type HashBank } from "./hash";
import { words } from "./hash-words";

type State = "ACTIVE" | "DISABLED" | "REMOVED";

/** As many as review-api takes at once. */
const AT_ONCE = 200;

export function Contents({ bank, mayChange }: { bank: HashBank; mayChange: boolean }) {
  const say = useWords(words);
  const list = useInfiniteQuery(hashesQuery(bank.id));
  const size = useQuery(sizesQuery).data?.banks.find((one) => one.bankId === bank.id);
  const rows = list.data?.pages.flatMap((page) => page.items) ?? [];
  const [cursor, setCursor] = useState<string | null>(null);
  const [picked, setPicked] = useState<Selection>(NOTHING);
  const [isAsked, setAsked] = useState(false);
  const chosen = rows.filter((row) => picked.ids.has(row.id));
  const change = useMutation({
    mutationFn: async (state: State) => {
      let changed = 0;
      for (let at = 0; at < chosen.length; at += AT_ONCE) {
        const ids = chosen.slice(at, at + AT_ONCE).map((row) => row.id);
        changed += (await take(api.POST("/v1/hash-banks/{bank_id}/hashes/changes", { params: { path: { bank_id: bank.id } }, body: { ids, state } }))).changed;
      }
      return changed;
    },
    onSuccess: (count) => {
      setPicked(NOTHING);
      toast(say("changed", { count }));
    },
    onSettled: () => {
      setAsked(false);
      renewHashes(bank.id);
    },
  });
  const columns = useColumns();
  const [active, disabled] = [chosen.filter((row) => row.state === "ACTIVE").length, chosen.filter((row) => row.state === "DISABLED").length];
  return (
    <section className={classes.placelist} aria-label={say("contents")}>
      <div className={classes.bar}>
        <h2>{say("contents")}</h2>
        <span className="dim t12">{size ? say("sizes", { active: size.active, disabled: size.disabled }) : null}</span>
        {chosen.length > 0 ? (
          <span className="end row g8">
            {active > 0 ? (
              <Button size="xs" loading={change.isPending} onClick={() => change.mutate("DISABLED")}>
                {say("disable", { count: active })}
              </Button>
            ) : null}
            {disabled > 0 ? (
              <Button size="xs" loading={change.isPending} onClick={() => change.mutate("ACTIVE")}>
                {say("enable", { count: disabled })}
              </Button>
            ) : null}
            <Button size="xs" variant="subtle" onClick={() => setAsked(true)}>
              {say("remove", { count: chosen.length })}
            </Button>
          </span>
        ) : null}
      </div>
      {change.error ? <Problem error={change.error} /> : null}
      {list.error && !list.data ? (
        <Problem error={list.error} again={() => void list.refetch()} />
      ) : list.data === undefined ? (
        <Skeleton lines={6} />
      ) : (
        <DataTable id="bank.hashes" caption={say("contents")} columns={columns} rows={rows} rowId={(row) => row.id} rowName={(row) => row.hash} cursor={cursor ?? rows[0]?.id} onCursor={setCursor} selection={mayChange ? picked : undefined} onSelect={mayChange ? setPicked : undefined} more={list} tall empty={<Empty title={say("noHashes")}>{say("noHashesText")}</Empty>} />
      )}
      <Dialog opened={isAsked} onClose={() => setAsked(false)} title={say("removeTitle", { count: chosen.length })} centered>
        <p className="t13">{say("removeText")}</p>
        <Group mt="lg" gap="sm" justify="flex-end">
          <Button data-autofocus onClick={() => setAsked(false)}>
            {say("keep")}
          </Button>
          <Button variant="filled" className={classes.final} loading={change.isPending} onClick={() => change.mutate("REMOVED")}>
            {say("removeNow")}
          </Button>
        </Group>
      </Dialog>
    </section>
  );
}

function useColumns(): Column<Hash>[] {
  const say = useWords(words);
  const known = { HASHES: say("HASHES"), FILE: say("FILE"), JOB: say("JOB"), INVESTIGATION: say("INVESTIGATION") } as Readonly<Record<string, string>>;
  return [
    { id: "hash", header: say("hash"), width: 168, cell: (row) => <CopyChip text={row.hash} shown={shortened(row.hash)} /> },
    { id: "algorithm", header: say("algorithm"), width: 136, wide: true, cell: (row) => say(row.algorithm) },
    { id: "state", header: say("state"), width: 112, cell: (row) => <Severity level={row.state === "ACTIVE" ? "done" : "none"} quiet>{say(row.state)}</Severity> },
    { id: "note", header: say("note"), wide: true, cell: (row) => <span className="user-text ell">{row.note || "–"}</span> },
    {
      id: "added",
      header: say("addedBy"),
      width: 304,
      wide: true,
      cell: (row) => (
        <span className="ell user-text">
          <Moment at={row.addedAt} relative />{" "}
          <span className="dim">
            {row.addedByPerson?.name ?? say("somebody")}, {known[row.source] ?? row.source}
          </span>
        </span>
      ),
    },
  ];
}
