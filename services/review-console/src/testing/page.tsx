/** What is around every part of a page: the cache of the console, who is signed in, and Mantine. */
import { MantineProvider } from "@mantine/core";
import { QueryClientProvider } from "@tanstack/react-query";
import type { ReactNode } from "react";

import { queries } from "@/api/query";
import type { Permission, Session } from "@/session/session";

export const ME = "me";

/** Signs somebody in, with these permissions; what was cached is gone. */
export function signedIn(permissions: readonly Permission[] = ["VIEW_MRT", "VIEW_MRT_DATA"], more: object = {}): void {
  queries.clear();
  const session = {
    permissions,
    user: { id: ME, email: "me@example.test", name: "Mina", role: "MODERATOR", hasPassword: true, preferences: { theme: "SYSTEM", density: "COMPACT", shortcuts: true } },
    org: { id: "org", name: "Org", leaseSeconds: 600, requirePolicyForDecisions: false, requireReason: { onAct: false, onIgnore: false } },
    wellness: { blurLevel: 4, grayscale: true, sepia: false, veilText: false, veilAfter: 0, muteVideo: true, muteAudio: true, breakAfterReveals: 0, breakAfterMinutes: 0, isOwn: false },
    build: "one",
    csrfToken: "token",
    expiresAt: new Date(Date.now() + 3_600_000).toISOString(),
    idleExpiresAt: new Date(Date.now() + 3_600_000).toISOString(),
    ...more,
  };
  queries.setQueryData(["session"], session as unknown as Session);
}

export function Around({ children }: { children: ReactNode }) {
  return (
    <MantineProvider env="test">
      <QueryClientProvider client={queries}>{children}</QueryClientProvider>
    </MantineProvider>
  );
}

/** Two frames: a page that was just put there has been painted. */
export async function painted(): Promise<void> {
  for (let frame = 0; frame < 3; frame += 1) await new Promise((resolve) => requestAnimationFrame(resolve));
}
