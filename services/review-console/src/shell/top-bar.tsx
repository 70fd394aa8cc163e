/** The top bar: organisation, search, the claim's clock, notifications, stepping away, keys. */
import { Button } from "@mantine/core";
import { Link, useRouterState } from "@tanstack/react-router";
import { IconCoffee, IconHelpCircle, IconMenu2, IconSearch } from "@tabler/icons-react";
import { memo } from "react";

import { placeOf } from "@/help/chapters";
import { Keys, Written } from "@/key/keys";
import { useSession } from "@/session/session";
import { useWords } from "@/words/words";

import { ClaimClock } from "./claim-clock";
import { Notifications } from "./notifications";
import classes from "./shell.module.css";
import { words } from "./words";

interface Props {
  readonly openPalette: () => void;
  readonly openKeys: () => void;
  readonly stepAway: () => void;
  readonly nav: boolean;
  readonly setNav: (open: boolean) => void;
}

/** Not again with each page. */
export const TopBar = memo(function TopBar({ openPalette, openKeys, stepAway, nav, setNav }: Props) {
  const say = useWords(words);
  const { org } = useSession();
  return (
    <header className={classes.topbar}>
      <button type="button" className={`${classes.item} ${classes.burger}`} aria-expanded={nav} aria-controls="navigation" aria-label={nav ? say("closeMenu") : say("menu")} onClick={() => setNav(!nav)}>
        <IconMenu2 className="icon" aria-hidden="true" />
      </button>
      <div className={classes.org}>
        <span className={classes.mark} aria-hidden="true">
          {Array.from(org.name)[0]}
        </span>
        <span className="ell user-text" title={org.name}>
          {org.name}
        </span>
      </div>
      <button type="button" className={classes.search} onClick={openPalette}>
        <IconSearch className="icon" aria-hidden="true" />
        <span className="ell">{say("search")}</span>
        <Keys of="shell.palette" fallback="Mod+K" />
      </button>
      <div className={classes.right}>
        <ClaimClock />
        <Notifications />
        <Button size="xs" onClick={stepAway} leftSection={<IconCoffee className="icon" aria-hidden="true" />} rightSection={<Keys of="shell.away" fallback="Alt+0" />} className={classes.wide} mx={4}>
          {say("stepAway")}
        </Button>
        <Help />
        <button type="button" className={`${classes.item} ${classes.wide}`} onClick={openKeys} aria-label={say("showKeys")}>
          <Written keys="?" />
        </button>
      </div>
    </header>
  );
});

/** In the same place on every page; it leads to the chapter about that page. */
function Help() {
  const say = useWords(words);
  const place = useRouterState({ select: ({ location }) => placeOf(location.pathname), structuralSharing: true });
  const inside = (
    <>
      <IconHelpCircle className="icon" aria-hidden="true" />
      <span className="hidden">{say("help")}</span>
    </>
  );
  const look = { className: classes.item, title: say("help") };
  if (!place) return <Link to="/help" {...look}>{inside}</Link>;
  return (
    <Link to="/help/$chapter" params={{ chapter: place.chapter }} hash={place.anchor} {...look}>
      {inside}
    </Link>
  );
}
