/** Over whatever page somebody is on: a decision of theirs that was refused, why, and the way back. */
import { Button } from "@mantine/core";
import { useNavigate, useRouterState } from "@tanstack/react-router";
import { IconAlertCircle } from "@tabler/icons-react";

import { queries } from "@/api/query";
import { sentenceOf } from "@/control/sentence";
import { useWords } from "@/words/words";

import { words } from "./aside-words";
import classes from "./aside.module.css";
import { putAhead, type Claim } from "./claim";
import { dropAside, useAside } from "./shift";

/** The one that is open says it itself. */
export function AsideStrip() {
  const say = useWords(words);
  const navigate = useNavigate();
  const path = useRouterState({ select: (state) => state.location.pathname });
  const here = path.startsWith("/jobs/") ? path.slice("/jobs/".length) : null;
  const goBack = (jobId: string) => {
    // What is left for it is the next one after it, with what was entered there.
    const current = here === null ? undefined : queries.getQueryData<Claim>(["claim", here]);
    if (current) putAhead(current);
    dropAside(jobId);
    void navigate({ to: "/jobs/$jobId", params: { jobId } });
  };
  return useAside()
    .filter((one) => one.jobId !== here)
    .map((one) => (
      <div key={one.jobId} className={classes.strip}>
        <IconAlertCircle className="icon severe" aria-hidden="true" />
        <span role="alert" className="user-text">
          {say("notDecided", { what: one.what, about: one.about, why: sentenceOf(one.problem) })}
        </span>
        <Button size="compact-sm" onClick={() => goBack(one.jobId)}>
          {say("open")}
        </Button>
        <Button size="compact-sm" variant="subtle" onClick={() => dropAside(one.jobId)}>
          {say("layAside")}
        </Button>
      </div>
    ));
}
