/**
 * The pages in the navigation: in which group, with which icon and keys, and who sees them.
 *
 * A page is shown once its route exists (`routes/`) and one of its permissions is held; so a line may
 * stand here before its page is built.
 */
import {
  IconActivity,
  IconAlertCircle,
  IconArrowsSplit2,
  IconBolt,
  IconBook2,
  IconChartLine,
  IconCube,
  IconDatabase,
  IconEraser,
  IconEyeOff,
  IconHistory,
  IconHourglass,
  IconInbox,
  IconKey,
  IconLayoutDashboard,
  IconListCheck,
  IconLock,
  IconLogin2,
  IconPlayerPlay,
  IconPlugConnected,
  IconRosetteDiscountCheck,
  IconSend,
  IconSettings,
  IconShieldHalf,
  IconStack2,
  IconTable,
  IconUserCircle,
  IconUserSearch,
  IconUsers,
  type TablerIcon,
} from "@tabler/icons-react";

import { routeTree } from "@/routeTree.gen";
import type { Permission } from "@/session/session";

import type { words } from "./words";

type Key = Extract<keyof typeof words.messages, string>;

export interface Page {
  readonly to: string;
  readonly name: Key;
  readonly icon: TablerIcon;
  readonly needs: readonly Permission[];
  readonly keys?: string;
}

export interface Group {
  readonly name: Key;
  readonly pages: readonly Page[];
}

export const GROUPS: readonly Group[] = [
  {
    name: "review",
    pages: [
      { to: "/queues", name: "queues", icon: IconInbox, needs: ["VIEW_MRT"], keys: "G Q" },
      { to: "/decisions", name: "decisions", icon: IconHistory, needs: ["VIEW_MRT_DATA"], keys: "G D" },
      { to: "/investigate", name: "investigate", icon: IconUserSearch, needs: ["VIEW_INVESTIGATION"], keys: "G I" },
      { to: "/bulk-actions", name: "bulk", icon: IconStack2, needs: ["MANUALLY_ACTION_CONTENT"] },
      { to: "/child-safety", name: "childSafety", icon: IconShieldHalf, needs: ["VIEW_CHILD_SAFETY_DATA"] },
    ],
  },
  {
    name: "measure",
    pages: [
      { to: "/overview", name: "overview", icon: IconLayoutDashboard, needs: ["VIEW_MRT_DATA"], keys: "G O" },
      { to: "/analytics", name: "analytics", icon: IconChartLine, needs: ["VIEW_MRT_DATA"], keys: "G A" },
      { to: "/quality", name: "quality", icon: IconRosetteDiscountCheck, needs: ["VIEW_MRT_DATA"] },
    ],
  },
  {
    name: "enforcement",
    pages: [
      { to: "/rules", name: "rules", icon: IconBolt, needs: ["VIEW_RULES_DASHBOARD"], keys: "G R" },
      { to: "/routing", name: "routing", icon: IconArrowsSplit2, needs: ["MANAGE_ROUTING_RULES", "EDIT_MRT_QUEUES"] },
      { to: "/banks", name: "banks", icon: IconDatabase, needs: ["MUTATE_NON_LIVE_RULES", "MUTATE_LIVE_RULES"] },
      { to: "/strikes", name: "strikes", icon: IconAlertCircle, needs: ["MANAGE_ORG"] },
      { to: "/policies", name: "policies", icon: IconBook2, needs: ["MANAGE_POLICIES"] },
    ],
  },
];

/** In place of the others while settings are open; the last group is everybody's own. */
export const SETTINGS_GROUPS: readonly Group[] = [
  {
    name: "content",
    pages: [
      { to: "/settings/first-steps", name: "firstSteps", icon: IconListCheck, needs: ["MANAGE_ORG"] },
      { to: "/settings/item-types", name: "itemTypes", icon: IconCube, needs: ["MANAGE_ORG"] },
      { to: "/settings/actions", name: "actions", icon: IconPlayerPlay, needs: ["MANAGE_ORG"] },
      { to: "/settings/queues", name: "queueSettings", icon: IconInbox, needs: ["EDIT_MRT_QUEUES"] },
      { to: "/settings/deliveries", name: "deliveries", icon: IconSend, needs: ["MANAGE_ORG"] },
      { to: "/settings/operations", name: "operations", icon: IconActivity, needs: ["MANAGE_ORG"] },
    ],
  },
  {
    name: "people",
    pages: [
      { to: "/settings/users", name: "users", icon: IconUsers, needs: ["MANAGE_USERS"] },
      { to: "/settings/roles", name: "roles", icon: IconTable, needs: ["MANAGE_ROLES"] },
      { to: "/settings/single-sign-on", name: "singleSignOn", icon: IconLogin2, needs: ["MANAGE_ORG"] },
      { to: "/settings/erasures", name: "erasures", icon: IconEraser, needs: ["ERASE_END_USERS"] },
    ],
  },
  {
    name: "connect",
    pages: [
      { to: "/settings/keys", name: "apiKeys", icon: IconKey, needs: ["MANAGE_ORG"] },
      { to: "/settings/integrations", name: "integrations", icon: IconPlugConnected, needs: ["MANAGE_ORG"] },
    ],
  },
  {
    name: "organisation",
    pages: [
      { to: "/settings/general", name: "general", icon: IconSettings, needs: ["MANAGE_ORG"] },
      { to: "/settings/wellness", name: "wellness", icon: IconEyeOff, needs: ["MANAGE_ORG"] },
      { to: "/settings/ncmec", name: "ncmec", icon: IconShieldHalf, needs: ["MANAGE_ORG"] },
      { to: "/settings/retention", name: "retention", icon: IconHourglass, needs: ["MANAGE_ORG", "ERASE_END_USERS"] },
      { to: "/settings/audit", name: "auditLog", icon: IconHistory, needs: ["MANAGE_ORG"] },
    ],
  },
  {
    name: "yours",
    pages: [
      { to: "/settings/account", name: "ownAccount", icon: IconUserCircle, needs: [] },
      { to: "/settings/security", name: "ownSecurity", icon: IconLock, needs: [] },
    ],
  },
];

export const SETTINGS: Page = { to: "/settings", name: "settings", icon: IconSettings, needs: ["MANAGE_ORG", "MANAGE_USERS", "MANAGE_ROLES", "EDIT_MRT_QUEUES", "ERASE_END_USERS"] };

/** The addresses behind the shell that have a page, as `/queues`. */
export function built(): ReadonlySet<string> {
  const found = new Set<string>();
  const walk = (route: unknown): void => {
    const { options, children } = route as { options?: { path?: string; getParentRoute?: unknown }; children?: object };
    const path = options?.path;
    if (path) found.add(`/${path.replace(/^\/|\/$/g, "").split("/")[0] ?? ""}`);
    for (const child of Object.values(children ?? {})) walk(child);
  };
  walk(routeTree);
  return found;
}

export function isOpen(page: Page, permissions: readonly Permission[]): boolean {
  return built().has(page.to) && page.needs.some((one) => permissions.includes(one));
}

/** Of all settings, what is open to somebody; that of oneself always is. */
export function openSettings(permissions: readonly Permission[]): Group[] {
  const isOpen = ({ needs }: Page) => needs.length === 0 || needs.some((one) => permissions.includes(one));
  return SETTINGS_GROUPS.map((group) => ({ ...group, pages: group.pages.filter(isOpen) })).filter((group) => group.pages.length > 0);
}

export function openGroups(permissions: readonly Permission[]): Group[] {
  return GROUPS.map((group) => ({ ...group, pages: group.pages.filter((page) => isOpen(page, permissions)) })).filter((group) => group.pages.length > 0);
}

/** Where somebody begins: the overview for whoever may see figures, else the first page open to them. */
export function landingOf(permissions: readonly Permission[]): string | null {
  const open = openGroups(permissions).flatMap((group) => group.pages);
  return (open.find((page) => page.name === "overview") ?? open[0])?.to ?? null;
}
