/**
 * A part that is a file of its own, fetched before it is wanted or when it is.
 *
 * Guarantees: one that is there is painted with the page around it; React lets whatever takes the place
 * of a fallback wait for a third of a second, were it there in the next moment. One that could not be
 * fetched ahead is tried again when it is wanted.
 */
import { lazy, useState, type ComponentType } from "react";

interface Later<P> {
  /** Suspends until it is there. */
  readonly Part: ComponentType<P>;
  readonly fetch: () => Promise<unknown>;
}

export function later<P extends object>(load: () => Promise<{ default: ComponentType<P> }>): Later<P> {
  let found: ComponentType<P> | null = null;
  const fetch = async () => {
    const part = await load();
    found = part.default;
    return part;
  };
  const Waited = lazy(fetch) as unknown as ComponentType<P>;
  function Part(props: P) {
    const [Shown] = useState<ComponentType<P>>(() => found ?? Waited);
    return <Shown {...props} />;
  }
  return { Part, fetch };
}
