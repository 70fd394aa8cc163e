/** What permissions and roles are called, as whoever manages them knows them. */
import { defineWords, sayer } from "@/words/words";

export const words = defineWords({
  MANAGE_ORG: "Manage Organization Settings",
  MANAGE_USERS: "Manage Users",
  MANAGE_ROLES: "Manage Roles",
  ERASE_END_USERS: "Erase End Users",
  MUTATE_NON_LIVE_RULES: "Create Draft Rules",
  MUTATE_LIVE_RULES: "Create Live Rules",
  RUN_BACKTEST: "Run Backtests",
  RUN_RETROACTION: "Run Retroaction",
  VIEW_INSIGHTS: "View Rules Metrics",
  VIEW_RULES_DASHBOARD: "View Rules Dashboard",
  MANAGE_POLICIES: "Manage Policies",
  VIEW_MRT: "View Manual Review Tool",
  VIEW_MRT_DATA: "View Manual Review Metrics",
  EDIT_MRT_QUEUES: "Manage Queues And Routing",
  MANAGE_ROUTING_RULES: "Manage Routing Rules",
  MANUALLY_ACTION_CONTENT: "Manually Action Content",
  VIEW_CHILD_SAFETY_DATA: "View Child Safety Content",
  VIEW_INVESTIGATION: "View Investigation Tool",
  ADMIN: "Admin",
  RULES_MANAGER: "Rules Manager",
  MODERATOR_MANAGER: "Moderator Manager",
  MODERATOR: "Moderator",
  CHILD_SAFETY_MODERATOR: "Child Safety Moderator",
  ANALYST: "Analyst",
  EXTERNAL_MODERATOR: "External Moderator",
});

type Key = Extract<keyof typeof words.messages, string>;

/** A role that an organisation made has the name that it gave it. */
export function calledBy(code: string): string {
  return Object.hasOwn(words.messages, code) ? sayer(words)(code as Key) : code;
}

export function allCalled(codes: readonly string[]): string {
  return codes.map(calledBy).join(", ");
}
