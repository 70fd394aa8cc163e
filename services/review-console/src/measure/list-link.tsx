/** From a number to the list behind it: jobs that wait, or decisions of the same days and filters. */
import { Link } from "@tanstack/react-router";
import type { ReactNode } from "react";

import type { Schema } from "@/api/client";
import { usePermission } from "@/session/session";

import type { TimeWindow } from "./window";

interface Props {
  readonly window: TimeWindow;
  readonly by?: readonly string[];
  readonly policy?: readonly string[];
  readonly rule?: readonly string[];
  readonly queue?: readonly string[];
  readonly action?: readonly string[];
  readonly source?: readonly Schema["DecisionLogEntry"]["source"][];
  readonly className?: string;
  readonly children: ReactNode;
}

export function DecisionsLink({ window, by, policy, rule, queue, action, source, className, children }: Props) {
  const mayRead = usePermission("VIEW_MRT_DATA");
  if (!mayRead) return <span className={className}>{children}</span>;
  const search = { since: window.from, until: window.to, by: by?.slice(), policy: policy?.slice(), rule: rule?.slice(), queue: queue?.slice(), action: action?.slice(), source: source?.slice() };
  return (
    <Link to="/decisions" search={search} className={className}>
      {children}
    </Link>
  );
}

export function QueuesLink({ children }: { children: ReactNode }) {
  return usePermission("VIEW_MRT") ? <Link to="/queues">{children}</Link> : <>{children}</>;
}
