/**
 * A page that is not open to whoever came by a link: it says what it needs, and whom to ask; nothing of
 * it is asked for.
 */
import { Link, useRouterState } from "@tanstack/react-router";
import type { ReactNode } from "react";

import { Empty } from "@/control/state";
import { allCalled, calledBy } from "@/session/permission";
import { useSession } from "@/session/session";
import { useWords } from "@/words/words";

import { GROUPS, SETTINGS_GROUPS } from "./navigation";
import { words } from "./words";

const PAGES = [...GROUPS, ...SETTINGS_GROUPS].flatMap((group) => group.pages);

export function Gate({ children }: { children: ReactNode }) {
  const say = useWords(words);
  const path = useRouterState({ select: (state) => state.location.pathname });
  const { permissions, user } = useSession();
  const page = PAGES.find((one) => path === one.to || path.startsWith(`${one.to}/`));
  if (!page || page.needs.length === 0 || page.needs.some((one) => permissions.includes(one))) return children;
  return (
    <Empty title={say("closedTitle", { page: say(page.name) })} next={<Link to="/">{say("toQueues")}</Link>}>
      {say("closedText", { needs: allCalled(page.needs), several: page.needs.length, role: calledBy(user.role) })}
    </Empty>
  );
}
