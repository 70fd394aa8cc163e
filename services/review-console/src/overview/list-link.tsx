/** From a number to the list behind it: the page of decisions with the same filters, once there is one. */
import { Link } from "@tanstack/react-router";
import type { ReactNode } from "react";

import { built } from "@/shell/navigation";

import type { TimeWindow } from "./window";

export type Filter = Readonly<Partial<Record<"actionId" | "policyId" | "reviewerId" | "ruleId" | "queueId" | "kind", readonly string[]>>>;

interface Props {
  readonly to: "/decisions" | "/queues";
  readonly window?: TimeWindow;
  readonly filter?: Filter;
  readonly className?: string;
  readonly children: ReactNode;
}

export function ListLink({ to, window, filter, className, children }: Props) {
  if (!built().has(to)) return <span className={className}>{children}</span>;
  const search = { ...filter, ...(window ? { since: window.since, until: window.until } : {}) };
  return (
    <Link to={to as "/queues"} search={search as object} className={className}>
      {children}
    </Link>
  );
}
