/**
 * Which rows of a list are picked: pure functions, the state is whoever's list it is.
 *
 * Guarantees: picks survive paging (they are by id); a range goes from the row picked last, the anchor,
 * to this one, in the order shown.
 */
export interface Selection {
  readonly ids: ReadonlySet<string>;
  readonly anchor: string | null;
}

export const NOTHING: Selection = { ids: new Set(), anchor: null };

export function toggled(selection: Selection, id: string): Selection {
  const ids = new Set(selection.ids);
  if (!ids.delete(id)) ids.add(id);
  return { ids, anchor: id };
}

/** `Shift`: everything between the anchor and this one is picked as well. */
export function extended(selection: Selection, id: string, shown: readonly string[]): Selection {
  const from = selection.anchor === null ? -1 : shown.indexOf(selection.anchor);
  const to = shown.indexOf(id);
  if (from < 0 || to < 0) return toggled(selection, id);
  const between = shown.slice(Math.min(from, to), Math.max(from, to) + 1);
  return { ids: new Set([...selection.ids, ...between]), anchor: selection.anchor };
}

export function allOf(selection: Selection, shown: readonly string[]): Selection {
  const whole = shown.every((id) => selection.ids.has(id));
  const ids = new Set(selection.ids);
  for (const id of shown) if (whole) ids.delete(id);
    else ids.add(id);
  return { ids, anchor: null };
}
