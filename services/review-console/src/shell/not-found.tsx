/** Pages for an address that leads nowhere, and for a role without a page. */
import { Link } from "@tanstack/react-router";

import { Empty } from "@/control/state";
import { calledBy } from "@/session/permission";
import { useSession } from "@/session/session";
import { useWords } from "@/words/words";

import { words } from "./words";

export function NotFound() {
  const say = useWords(words);
  return (
    <Empty title={say("notFound")} next={<Link to="/">{say("toQueues")}</Link>}>
      {say("notFoundText")}
    </Empty>
  );
}

export function NoPermission() {
  const say = useWords(words);
  const { user } = useSession();
  return <Empty title={say("noPermission")}>{say("noPermissionText", { role: calledBy(user.role) })}</Empty>;
}
