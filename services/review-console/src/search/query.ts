/** One search over everything that its reader may see, by name or id. */
import { keepPreviousData, queryOptions, useQuery } from "@tanstack/react-query";
import { useDebouncedValue } from "@mantine/hooks";

import { api, take, type Schema } from "@/api/client";

export type Hit = Schema["HitView"];

export const searchQuery = (q: string) =>
  queryOptions({
    queryKey: ["search", q],
    staleTime: 30_000,
    queryFn: async ({ signal }): Promise<readonly Hit[]> => (await take(api.GET("/v1/search", { params: { query: { q } }, signal }))).items,
  });

const PATIENCE_MS = 180;
const LONGEST = 512;

/** What is found once somebody stops typing; `settled`: it is of what stands there now. */
export function useSearch(typed: string): { hits: readonly Hit[]; settled: boolean; error: unknown } {
  const wanted = typed.trim().slice(0, LONGEST);
  const [q] = useDebouncedValue(wanted, PATIENCE_MS);
  const { data, error, isFetching } = useQuery({ ...searchQuery(q), enabled: q !== "" && wanted !== "", placeholderData: keepPreviousData, retry: false });
  return { hits: wanted === "" ? [] : (data ?? []), settled: q === wanted && !isFetching, error: wanted === "" ? null : error };
}
