/** Everything that is shown is veiled at once: for whoever steps away. */
const veils = new Set<() => void>();

export function veilAll(): void {
  for (const veil of veils) veil();
}

/** Returns how not to be told any more. */
export function onVeilAll(veil: () => void): () => void {
  veils.add(veil);
  return () => veils.delete(veil);
}
