/** A line under the bar of a job. */
import { IconInfoCircle } from "@tabler/icons-react";
import type { ReactNode } from "react";

import classes from "./job.module.css";

export function Strip({ grave = false, children }: { grave?: boolean; children: ReactNode }) {
  return (
    <div className={classes.strip} data-grave={grave || undefined}>
      <IconInfoCircle className="icon" aria-hidden="true" />
      <div className={classes.stripwords}>{children}</div>
    </div>
  );
}
