/**
 * Choices that follow a person from machine to machine: a document of the account.
 *
 *     signed in ──▶ what the account has is in force ──▶ a change here ──1 s──▶ kept there
 *
 * Guarantees: what was never kept is what this machine has; a change that could not be kept stays in
 * force here, and is sent with the next one; what could not be read is not written over.
 * Must not: keep theme, density and the master switch, which are of the profile.
 */
import { api, take } from "@/api/client";
import { whenQuiet } from "@/api/quiet";

import { onPreferred, prefer, preference, Travelling } from "./preference";

const KEY = "console";
const PATIENCE_MS = 1000;

function travelling(): Travelling {
  return Travelling.parse(preference());
}

/** Until what it gives is called. */
export function startKeeping(): () => void {
  let known = "";
  let timer: ReturnType<typeof setTimeout> | undefined;
  let isOver = false;
  const keep = () => {
    const value = travelling();
    if (JSON.stringify(value) === known) return;
    take(api.PUT("/v1/me/preferences/{key}", { params: { path: { key: KEY } }, body: { value } }))
      .then(() => (known = JSON.stringify(value)))
      .catch(() => undefined);
  };
  const forget = onPreferred(() => {
    if (known === "") return;
    clearTimeout(timer);
    timer = setTimeout(keep, PATIENCE_MS);
  });
  // All of them: one that was never kept would be a 404.
  whenQuiet()
    .then(() => take(api.GET("/v1/me/preferences")))
    .then(({ items }) => {
      const found = Travelling.safeParse(items.find((one) => one.key === KEY)?.value);
      if (!isOver && found.success) prefer(found.data);
      known = JSON.stringify(travelling());
    })
    .catch(() => undefined);
  return () => {
    isOver = true;
    forget();
    clearTimeout(timer);
  };
}
