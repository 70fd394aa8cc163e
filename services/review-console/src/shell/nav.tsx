/** The navigation: what is open to this person, one number an entry. */
import { Link, useNavigate } from "@tanstack/react-router";
import { memo } from "react";

import { useCommand } from "@/key/keys";
import { useLive } from "@/live/stream";
import { useSession } from "@/session/session";
import { useWords } from "@/words/words";

import { AccountMenu } from "./account-menu";
import { isOpen, openGroups, SETTINGS, type Page } from "./navigation";
import classes from "./shell.module.css";
import { words } from "./words";

/** Not again with each page: its links know themselves which one is open. */
export const Nav = memo(function Nav({ open }: { open: boolean }) {
  const say = useWords(words);
  const { permissions } = useSession();
  const queues = useLive("queues");
  const waiting = queues?.items.reduce((sum, one) => sum + one.pending, 0);
  return (
    <nav className={classes.nav} aria-label={say("navigation")} data-open={open} id="navigation">
      {openGroups(permissions).map((group) => (
        <div key={group.name} role="group" aria-label={say(group.name)}>
          <div className={classes.grp} aria-hidden="true">
            {say(group.name)}
          </div>
          {group.pages.map((page) => (
            <PageLink key={page.to} page={page} count={page.name === "queues" ? waiting : undefined} />
          ))}
        </div>
      ))}
      <div className={classes.foot}>
        {isOpen(SETTINGS, permissions) ? <PageLink page={SETTINGS} /> : null}
        <AccountMenu />
      </div>
    </nav>
  );
});

function PageLink({ page, count }: { page: Page; count?: number }) {
  const say = useWords(words);
  const navigate = useNavigate();
  const to = page.to as "/queues";
  const Icon = page.icon;
  useCommand({
    id: `go.${page.name}`,
    scope: "global",
    keys: page.keys ?? [],
    label: say("goTo", { page: say(page.name) }),
    run: () => void navigate({ to }),
  });
  return (
    <Link to={to} className={classes.link}>
      <Icon className="icon" aria-hidden="true" />
      <span className="ell">{say(page.name)}</span>
      {count ? <span className={classes.count}>{count.toLocaleString()}</span> : null}
    </Link>
  );
}
