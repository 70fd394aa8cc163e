/** Once all that is shown is selected: the step to all that fits. */
import { Button } from "@mantine/core";
import { useState } from "react";

import { asProblem } from "@/api/problem";
import { sentenceOf } from "@/control/sentence";
import { useWords } from "@/words/words";

import classes from "./data-table.module.css";
import type { Selection } from "./selection";
import { words } from "./words";

interface Props<Row> {
  readonly rows: readonly Row[];
  readonly rowId: (row: Row) => string;
  readonly selection: Selection;
  readonly onSelect: (selection: Selection) => void;
  readonly matching: { readonly count: number | null; readonly gather: () => Promise<{ ids: readonly string[]; isCut: boolean }> };
  readonly more?: { readonly hasNextPage: boolean };
  readonly span: number;
}

type State = { kind: "idle" } | { kind: "busy" } | { kind: "done"; count: number; isCut: boolean } | { kind: "failed"; why: string };

export function Matching<Row>({ rows, rowId, selection, onSelect, matching, more, span }: Props<Row>) {
  const say = useWords(words);
  const [state, setState] = useState<State>({ kind: "idle" });
  const isWhole = rows.length > 0 && rows.every((row) => selection.ids.has(rowId(row)));
  if (!isWhole || (!more?.hasNextPage && state.kind !== "done")) return null;
  const gather = async () => {
    setState({ kind: "busy" });
    try {
      const { ids, isCut } = await matching.gather();
      onSelect({ ids: new Set([...selection.ids, ...ids]), anchor: null });
      setState({ kind: "done", count: ids.length, isCut });
    } catch (error) {
      const problem = asProblem(error);
      if (!problem) throw error;
      setState({ kind: "failed", why: sentenceOf(problem) });
    }
  };
  return (
    <tbody>
      <tr className={classes.matching}>
        <td colSpan={span}>
          <span role="status">{state.kind === "done" ? say(state.isCut ? "mostSelected" : "matchingSelected", { count: state.count }) : state.kind === "failed" ? state.why : say("pageSelected", { count: rows.length })}</span>{" "}
          {state.kind === "done" ? null : (
            <Button size="compact-sm" variant="subtle" loading={state.kind === "busy"} onClick={() => void gather()}>
              {say("selectMatching", { count: matching.count ?? 0 })}
            </Button>
          )}
        </td>
      </tr>
    </tbody>
  );
}
