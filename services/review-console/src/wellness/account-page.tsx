/** My account: what I see of media, what I saw, and how the console looks. */
import { Link } from "@tanstack/react-router";
import { useEffect, type ReactNode } from "react";

import { Pane } from "@/control/state";
import { LookFields } from "@/shell/look-fields";
import { usePermission, useSession } from "@/session/session";
import { appName } from "@/shell/title";
import { useWords } from "@/words/words";

import { Exposure } from "./exposure";
import { WellnessForm } from "./wellness-form";
import classes from "./wellness.module.css";
import { words } from "./words";

export function AccountPage() {
  const say = useWords(words);
  const { user } = useSession();
  const manages = usePermission("MANAGE_ORG");
  useEffect(() => {
    document.title = `${say("title")} · ${appName}`;
  });
  return (
    <>
      <header className={classes.head}>
        <h1>{say("title")}</h1>
        <span className="dim t13 user-text ell">
          {user.name} · {user.email}
        </span>
        {manages ? (
          <Link to="/settings/wellness" className="end t13">
            {say("toOrganisation")}
          </Link>
        ) : null}
      </header>
      <div className={classes.page}>
        <Part title={say("whatYouSee")} hint={say("ownHint")}>
          <WellnessForm />
        </Part>
        <Part title={say("exposure")} hint={say("exposureHint")}>
          <Exposure />
        </Part>
        <Part title={say("look")} hint={say("keysHint")}>
          <div className={classes.look}>
            <LookFields />
          </div>
        </Part>
      </div>
    </>
  );
}

function Part({ title, hint, children }: { title: string; hint: string; children: ReactNode }) {
  return (
    <section className={classes.part} aria-label={title}>
      <header>
        <h2>{title}</h2>
        <p className="dim t12">{hint}</p>
      </header>
      <div>
        <Pane>{children}</Pane>
      </div>
    </section>
  );
}
