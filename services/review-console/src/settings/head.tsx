/** The head of a settings page: where one is, and what can be done with the whole page. */
import { Link } from "@tanstack/react-router";
import { useEffect, type ReactNode } from "react";

import { appName } from "@/shell/title";

import classes from "./settings.module.css";

interface Props {
  readonly title: string;
  /** The list that this is one of. */
  readonly within?: { readonly to: string; readonly name: string; readonly search?: object };
  readonly facts?: ReactNode;
  readonly children?: ReactNode;
}

export function SettingsHead({ title, within, facts, children }: Props) {
  useEffect(() => {
    document.title = `${title} · ${appName}`;
  });
  return (
    <header className={classes.head}>
      {within ? (
        <Link to={within.to as "/queues"} search={within.search as never} className={classes.within}>
          {within.name}
          <span aria-hidden="true"> /</span>
        </Link>
      ) : null}
      <h1 className="user-text">{title}</h1>
      {facts ? <span className={classes.facts}>{facts}</span> : null}
      {children ? <span className={classes.tools}>{children}</span> : null}
    </header>
  );
}
