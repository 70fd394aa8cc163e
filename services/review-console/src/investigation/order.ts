/** Ordering an action on many items, and confirming it; one order for each type of item. */
import { api, take, type Schema } from "@/api/client";

import type { Ref } from "./query";

export type Preview = Schema["PreviewView"];

interface Order {
  readonly on: readonly Ref[];
  readonly action: string;
  readonly policy: string | null;
  readonly note: string;
}

/** Nothing happens yet. */
export async function order({ on, action, policy, note }: Order): Promise<Preview[]> {
  const types = [...new Set(on.map((one) => one.typeId))];
  return Promise.all(
    types.map((itemTypeId) => {
      const itemIds = on.filter((one) => one.typeId === itemTypeId).map((one) => one.id);
      const body = { itemTypeId, itemIds, actionIds: [action], policyIds: policy === null ? [] : [policy], note: note.trim() || null };
      return take(api.POST("/v1/bulk-actions", { body }));
    }),
  );
}

/** How many items were asked for. One after another, `told` of each: what failed says how far it came. */
export async function confirmAll(previews: readonly Preview[], told: (asked: number) => void): Promise<number> {
  let asked = 0;
  for (const { id, total } of previews) {
    await take(api.POST("/v1/bulk-actions/{bulk_id}/confirm", { params: { path: { bulk_id: id } }, body: { total } }));
    asked += total;
    told(asked);
  }
  return asked;
}

export function totalOf(previews: readonly Preview[]): number {
  return previews.reduce((sum, one) => sum + one.total, 0);
}
