/**
 * The frame around every page: top bar, navigation, the page; what may lie over it (palette, keys,
 * signing in again, away) is loaded when it is asked for.
 *
 * Guarantees: the shell never scrolls; a page that breaks does not take the shell; signing out in one
 * tab signs out in all.
 */
import { useSuspenseQuery } from "@tanstack/react-query";
import { Outlet, useRouter, useRouterState, type StaticDataRouteOption } from "@tanstack/react-router";
import { lazy, useCallback, useEffect, useRef, useState } from "react";

import { whenQuiet } from "@/api/quiet";
import { later } from "@/control/later";
import { Overlay } from "@/control/overlay";
import { Pane } from "@/control/state";
import { useCommand } from "@/key/keys";
import { startLive } from "@/live/stream";
import { onTold } from "@/live/tabs";
import { startKeeping } from "@/preference/kept";
import { follow, left, sessionQuery, useSession, useSessionEnded } from "@/session/session";
import { useWords } from "@/words/words";

import { useCachesKept } from "./cache";
import { Gate } from "./gate";
import { KeySheet, keyRows, type Sheet } from "./key-sheet";
import { Nav } from "./nav";
import classes from "./shell.module.css";
import { Strips } from "./strip";
import { TopBar } from "./top-bar";
import { useAway } from "./use-away";
import { words } from "./words";

const palette = later(() => import("./palette"));
const SignInAgain = lazy(() => import("./sign-in-again"));

/** Nothing at all in the moment between signing out and the door. */
export function Shell() {
  return useSuspenseQuery(sessionQuery).data ? <Frame /> : null;
}

function Frame() {
  const say = useWords(words);
  const [isPalette, setPalette] = useState(false);
  const sheet = useRef<Sheet>(null);
  const [navFor, setNavFor] = useState<string | null>(null);
  const ended = useSessionEnded();
  const away = useAway();
  useTogether();
  useCachesKept();
  const userId = useSession().user.id;
  useEffect(() => startKeeping(userId), [userId]);
  useEffect(() => void fetchParts(), []);
  useCommand({ id: "shell.palette", scope: "global", keys: ["Mod+K"], anywhere: true, label: say("openPalette"), run: () => setPalette(true) });
  useCommand({ id: "shell.away", scope: "global", keys: "Alt+0", always: true, label: say("stepAway"), run: away.leave });
  const router = useRouter();
  const path = useRouterState({ select: pathShown });
  const page = useRouterState({ select: pageShown });
  // Open for the page it was opened on: going to another one closes it.
  const nav = navFor === path;
  const setNav = useCallback((open: boolean) => setNavFor(open ? pathShown(router.state) : null), [router]);
  const openPalette = useCallback(() => setPalette(true), []);
  const openKeys = useCallback(() => sheet.current?.open(), []);
  return (
    <>
      <div className={away.isAway ? classes.gone : classes.app}>
        <a className={classes.skip} href="#page">
          {say("skip")}
        </a>
        <TopBar openPalette={openPalette} openKeys={openKeys} stepAway={away.leave} nav={nav} setNav={setNav} />
        <Nav open={nav} />
        <main className={classes.main} id="page" tabIndex={-1}>
          <Strips leave={away.leave} />
          <Pane key={page}>
            <Gate>
              <Outlet />
            </Gate>
          </Pane>
        </main>
      </div>
      {away.screen}
      <Overlay close={() => setPalette(false)}>{isPalette ? <palette.Part close={() => setPalette(false)} /> : null}</Overlay>
      {/* It would lie over both: over what the browser puts on top there is nothing. */}
      {away.isAway || ended ? null : <KeySheet ref={sheet} />}
      <Overlay close={() => undefined}>{ended ? <SignInAgain /> : null}</Overlay>
    </>
  );
}

/** That of the page that is there: the address is the next one's before its page is. */
function pathShown({ matches, location }: { matches: readonly { pathname: string }[]; location: { pathname: string } }): string {
  return matches.at(-1)?.pathname ?? location.pathname;
}

/** Another one is made anew, but for a page that goes from one of its addresses to another by itself. */
function pageShown({ matches, location }: { matches: readonly { pathname: string; routeId: string; staticData: StaticDataRouteOption }[]; location: { pathname: string } }): string {
  const last = matches.at(-1);
  return last?.staticData.isOnePage ? last.routeId : pathShown({ matches, location });
}

/** What a key opens is there before the key is pressed; what could not be had is tried again then. */
async function fetchParts(): Promise<void> {
  await whenQuiet();
  await Promise.allSettled([palette.fetch(), keyRows.fetch()]);
}

/** One event stream, and one session, for all tabs. */
function useTogether(): void {
  const router = useRouter();
  useEffect(() => startLive(), []);
  useEffect(
    () =>
      onTold((message) => {
        if (message.kind === "signed-in") void follow(message.csrfToken).catch(() => undefined);
        if (message.kind !== "signed-out") return;
        left();
        void router.navigate({ to: "/sign-in" });
      }),
    [router],
  );
}
