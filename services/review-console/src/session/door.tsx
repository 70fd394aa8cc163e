/** The frame of every page in front of the console. */
import { useEffect, type ReactNode } from "react";

import { appName } from "@/shell/title";

import classes from "./door.module.css";

export function Door({ title, children, foot }: { title: string; children: ReactNode; foot?: ReactNode }) {
  useEffect(() => {
    document.title = `${title} · ${appName}`;
  }, [title]);
  return (
    <div className={classes.door}>
      <main className={classes.card}>
        <div className={classes.brand}>
          <span className={classes.mark} aria-hidden="true">
            {appName.charAt(0)}
          </span>
          {appName}
        </div>
        <h1>{title}</h1>
        {children}
        {foot ? <div className={classes.foot}>{foot}</div> : null}
      </main>
    </div>
  );
}

export function Said({ children }: { children: ReactNode }) {
  return (
    <div className={classes.said} role="status">
      {children}
    </div>
  );
}
