/** How media are veiled for me, and what I saw of them. */
import { queryOptions } from "@tanstack/react-query";
import { z } from "zod/mini";

import { api, take, type Schema } from "@/api/client";
import { queries } from "@/api/query";
import { sessionQuery } from "@/session/session";

export type Wellness = Schema["WellnessView"];

export const Choice = z
  .object({
    blurLevel: z.int().check(z.gte(0), z.lte(6)),
    grayscale: z.boolean(),
    sepia: z.boolean(),
    muteVideo: z.boolean(),
    muteAudio: z.boolean(),
    veilText: z.boolean(),
    veilAfter: z.int().check(z.gte(0), z.lte(600)),
    breakAfterReveals: z.int().check(z.gte(0), z.lte(1000)),
    breakAfterMinutes: z.int().check(z.gte(0), z.lte(480)),
  })
  .check(z.refine((choice) => !(choice.grayscale && choice.sepia), { path: ["sepia"] }));
export type Choice = z.infer<typeof Choice>;

export function choiceOf(wellness: Wellness): Choice {
  return Choice.parse(wellness);
}

/** What a medium looks like under that choice; the server veils by the same measure. */
export function filterOf(choice: Pick<Choice, "blurLevel" | "grayscale" | "sepia">, isLifted: boolean): string {
  const tint = choice.grayscale ? "grayscale(1)" : choice.sepia ? "sepia(1)" : "";
  const blur = isLifted ? "" : `blur(${6 + choice.blurLevel * 4}px)`;
  return `${blur} ${tint}`.trim() || "none";
}

/** Null: as the organisation has it. The session is told at once. */
export async function keep(choice: Choice | null): Promise<void> {
  const wellness = await (choice ? take(api.PUT("/v1/me/wellness", { body: choice })) : take(api.DELETE("/v1/me/wellness")));
  queries.setQueryData(sessionQuery.queryKey, (session) => session && wellness && { ...session, wellness });
}

export const exposureQuery = queryOptions({
  queryKey: ["exposure"],
  staleTime: 30_000,
  queryFn: ({ signal }) => take(api.GET("/v1/me/exposure", { signal })),
});

/** For whoever unveiled something: what I saw has changed, and a break may be due. */
export function revealed(isBreakDue: boolean): void {
  queries.setQueryData(exposureQuery.queryKey, (before) => before && { ...before, breakDue: isBreakDue });
  void queries.invalidateQueries({ queryKey: exposureQuery.queryKey });
}
