/** The navigation: what is open to this person, one number an entry. */
import { Link, useNavigate, useRouter, useRouterState } from "@tanstack/react-router";
import { IconChevronLeft } from "@tabler/icons-react";
import { memo, useEffect, useRef } from "react";

import { Keys, useCommand } from "@/key/keys";
import { useLive } from "@/live/stream";
import { useSession } from "@/session/session";
import { useWords } from "@/words/words";

import { AccountMenu } from "./account-menu";
import { isOpen, landingOf, openGroups, openSettings, SETTINGS, type Group, type Page } from "./navigation";
import classes from "./shell.module.css";
import { words } from "./words";

/** Not again with each page: its links know themselves which one is open. */
export const Nav = memo(function Nav({ open }: { open: boolean }) {
  const say = useWords(words);
  const { permissions } = useSession();
  const queues = useLive("queues");
  const waiting = queues?.items.reduce((sum, one) => sum + one.pending, 0);
  const isSettings = useRouterState({ select: ({ location }) => /^\/settings(\/|$)/.test(location.pathname) });
  const leave = useCameFrom(isSettings);
  return (
    <nav className={classes.nav} aria-label={say("navigation")} data-open={open} id="navigation">
      {isSettings ? <Leave to={leave} /> : null}
      {isSettings ? openGroups(permissions).flatMap(({ pages }) => pages.map((page) => <GoByKey key={page.to} page={page} />)) : null}
      <Groups of={isSettings ? openSettings(permissions) : openGroups(permissions)} waiting={waiting} />
      <div className={classes.foot}>
        {!isSettings && isOpen(SETTINGS, permissions) ? <PageLink page={SETTINGS} /> : null}
        <AccountMenu />
      </div>
    </nav>
  );
});

function Groups({ of, waiting }: { of: readonly Group[]; waiting: number | undefined }) {
  const say = useWords(words);
  return of.map((group) => (
    <div key={group.name} role="group" aria-label={say(group.name)}>
      <div className={classes.grp} aria-hidden="true">
        {say(group.name)}
      </div>
      {group.pages.map((page) => (
        <PageLink key={page.to} page={page} count={page.name === "queues" ? waiting : undefined} />
      ))}
    </div>
  ));
}

/** Where one was before the settings; whoever came by a link goes to where they begin. */
function useCameFrom(isSettings: boolean): () => string {
  const router = useRouter();
  const { permissions } = useSession();
  const before = useRef<string | null>(null);
  useEffect(() => {
    if (isSettings) return undefined;
    const keep = () => {
      const { href, pathname } = router.state.location;
      if (!pathname.startsWith("/settings")) before.current = href;
    };
    keep();
    return router.subscribe("onResolved", keep);
  }, [isSettings, router]);
  return () => before.current ?? landingOf(permissions) ?? "/";
}

function Leave({ to }: { to: () => string }) {
  const say = useWords(words);
  const router = useRouter();
  const leave = () => void router.navigate({ to: to() as "/queues" });
  useCommand({ id: "settings.leave", scope: "global", keys: "Escape", label: say("leaveSettings"), run: leave });
  return (
    <button type="button" className={`${classes.link ?? ""} ${classes.leave ?? ""}`} onClick={leave} title={say("leaveSettings")}>
      <IconChevronLeft className="icon" aria-hidden="true" />
      <span className="ell">{say("settings")}</span>
      <span className="end">
        <Keys of="settings.leave" fallback="Escape" />
      </span>
    </button>
  );
}

/** The way to a page by its keys, also where its link is not shown. */
function useGo(page: Page): void {
  const say = useWords(words);
  const navigate = useNavigate();
  useCommand({
    id: `go.${page.name}`,
    scope: "global",
    keys: page.keys ?? [],
    label: say("goTo", { page: say(page.name) }),
    run: () => void navigate({ to: page.to as "/queues" }),
  });
}

function GoByKey({ page }: { page: Page }) {
  useGo(page);
  return null;
}

function PageLink({ page, count }: { page: Page; count?: number }) {
  const say = useWords(words);
  const Icon = page.icon;
  useGo(page);
  return (
    <Link to={page.to as "/queues"} className={classes.link}>
      <Icon className="icon" aria-hidden="true" />
      <span className="ell">{say(page.name)}</span>
      {count ? <span className={classes.count}>{count.toLocaleString()}</span> : null}
    </Link>
  );
}
