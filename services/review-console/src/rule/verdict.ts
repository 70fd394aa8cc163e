/** What a rule that is not saved makes of an item: asked while it is written, without any effect. */
import { useDebouncedValue } from "@mantine/hooks";
import { keepPreviousData, useQuery } from "@tanstack/react-query";

import { api, take, type Schema } from "@/api/client";
import { asProblem } from "@/api/problem";

type Body = Schema["RuleBody"];
export type Answer = Schema["SpotTestView"];
export type Tried =
  | { readonly kind: "NONE" }
  | { readonly kind: "WRITTEN"; readonly typeId: string; readonly data: Readonly<Record<string, Schema["JsonValue"]>> }
  | { readonly kind: "SUBMITTED"; readonly submissionId: string; readonly text: string };

export interface Fault {
  readonly pointer: string;
  readonly reason: string;
}
export interface Verdict {
  readonly answer: Answer | null;
  /** Milliseconds from asking to the answer. */
  readonly took: number | null;
  /** Of the rule, as saving it would name them. */
  readonly faults: readonly Fault[];
  /** Why there is none, where it is not the rule's doing. */
  readonly error: unknown;
}

/** Without a key, before it is asked. */
const PAUSE_MS = 150;

export async function judged(rule: Body, item: Pick<Schema["SpotTestBody"], "item" | "submissionId">, signal?: AbortSignal): Promise<Answer> {
  // A rule that has no name yet can be tried all the same.
  return take(api.POST("/v1/rules/spot-test", { body: { rule: { ...rule, name: rule.name === "" ? "-" : rule.name }, ...item }, signal }));
}

export function faultsOf(error: unknown): Fault[] {
  const problem = asProblem(error);
  return (problem?.faults ?? []).flatMap(({ pointer, reason }) => (pointer.startsWith("/rule/") ? [{ pointer: pointer.slice("/rule".length), reason }] : []));
}

export function useVerdict(body: Body, tried: Tried): Verdict {
  const [typeId] = body.itemTypeIds;
  const item = tried.kind === "SUBMITTED" ? { submissionId: tried.submissionId } : { item: { typeId: tried.kind === "WRITTEN" ? tried.typeId : (typeId ?? ""), data: tried.kind === "WRITTEN" ? tried.data : {} } };
  const written = JSON.stringify({ body, item, kind: tried.kind });
  const [asked] = useDebouncedValue(written, PAUSE_MS);
  const { data, error, isPlaceholderData } = useQuery({
    queryKey: ["rule-verdict", asked],
    enabled: typeId !== undefined,
    retry: false,
    gcTime: 10_000,
    placeholderData: keepPreviousData,
    queryFn: async ({ signal }) => {
      const { body: rule, item: of, kind } = JSON.parse(asked) as { body: Body; item: typeof item; kind: Tried["kind"] };
      const since = performance.now();
      try {
        const answer = await judged(rule, of, signal);
        return { kind, answer, took: performance.now() - since, faults: [] as Fault[] };
      } catch (refused) {
        const faults = faultsOf(refused);
        if (faults.length === 0) throw refused;
        return { kind, answer: null, took: null, faults };
      }
    },
  });
  // While one that is written goes on the last answer stays; of another kind of item it says nothing.
  const isItsOwn = data !== undefined && (!isPlaceholderData || data.kind === tried.kind) && (asked === written || data.kind === tried.kind);
  return { answer: isItsOwn ? data.answer : null, took: isItsOwn ? data.took : null, faults: data?.faults ?? [], error };
}
