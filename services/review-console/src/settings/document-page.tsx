/** What the pages of documents do alike before and after their form: waiting for it, its end, keeping what was saved. */
import { useQuery, type QueryKey, type UseQueryOptions } from "@tanstack/react-query";
import type { ReactNode } from "react";

import { asProblem } from "@/api/problem";
import { queries } from "@/api/query";
import { Empty, Problem, Skeleton } from "@/control/state";
import { toast } from "@/control/toast";
import { useWords } from "@/words/words";

import type { Told } from "./documents";
import { words } from "./words";

interface Props<D> {
  /** Null: a new one, which nothing is waited for. */
  readonly id: string | null;
  readonly query: (id: string) => UseQueryOptions<D, Error, D, string[]>;
  /** What is said, and the way back, where there is none of that id. */
  readonly gone: { readonly title: string; readonly text: string; readonly back: ReactNode };
  readonly children: (document: D | null) => ReactNode;
}

export function DocumentPage<D>({ id, query, gone, children }: Props<D>): ReactNode {
  const { data, error, refetch } = useQuery({ ...query(id ?? "new"), enabled: id !== null });
  if (error && !data) {
    if (asProblem(error)?.status !== 404) return <Problem error={error} again={() => void refetch()} />;
    return (
      <Empty title={gone.title} next={gone.back}>
        {gone.text}
      </Empty>
    );
  }
  return id === null || data ? children(data ?? null) : <Skeleton lines={10} />;
}

/** What was saved is there for every page, and said; `made` leads to the page of a new one. */
export function useSaved<D extends Told & { readonly name: string }>(query: (id: string) => { readonly queryKey: QueryKey }, made: (id: string) => void): (kept: D, isNew: boolean) => void {
  const say = useWords(words);
  return (kept, isNew) => {
    // Who uses it is told when it is read, not when it is saved.
    queries.setQueryData<D>(query(kept.id).queryKey, (before) => ({ ...kept, usedBy: before?.usedBy, usedByCount: before?.usedByCount }));
    void queries.invalidateQueries({ queryKey: ["configuration"] });
    toast(say("savedToast", { name: kept.name }));
    if (isNew) made(kept.id);
  };
}
