/**
 * An organisation's settings as their form has them: a part of one document.
 *
 * Guarantees: what the form does not show is sent back as it was; secrets in headers stay.
 */
import { z } from "zod/mini";

import { api, take, type Schema } from "@/api/client";
import { ifMatch } from "@/settings/documents";
import { headerRows, headersOf, type HeaderRow } from "@/settings/headers-field";
import { settingsWith } from "@/wellness/organisation";
import type { Choice } from "@/wellness/wellness";
import { sayer } from "@/words/words";

import { words } from "./words";

export type Settings = Schema["SettingsView"];
const say = sayer(words);
const number = z.union([z.number(), z.literal("")]);
const headers = z.custom<HeaderRow[]>(Array.isArray);

export const SWITCHES = ["requiresPolicyForDecisions", "allowMultiplePoliciesPerAction", "requiresDecisionReason", "requiresDecisionReasonOnIgnore", "hideSkipButtonForNonAdmins", "previewJobsViewEnabled"] as const;

function isObject(text: string): boolean {
  if (text.trim() === "") return true;
  try {
    const read: unknown = JSON.parse(text);
    return typeof read === "object" && read !== null && !Array.isArray(read);
  } catch {
    return false;
  }
}

export const Values = z.object({
  name: z.string().check(z.refine((name) => name.trim() !== "", { error: () => say("nameNeeded") })),
  email: z.string(),
  websiteUrl: z.string(),
  onCallAlertEmail: z.string(),
  timeZone: z.string(),
  requiresPolicyForDecisions: z.boolean(),
  allowMultiplePoliciesPerAction: z.boolean(),
  requiresDecisionReason: z.boolean(),
  requiresDecisionReasonOnIgnore: z.boolean(),
  hideSkipButtonForNonAdmins: z.boolean(),
  previewJobsViewEnabled: z.boolean(),
  undoWindow: number,
  maxHoldHours: number,
  bulkConfirmationAbove: number,
  ignoreCallbackUrl: z.string(),
  ignoreCallbackHeaders: headers,
  hasAppealsEnabled: z.boolean(),
  appealCallbackUrl: z.string(),
  appealCallbackHeaders: headers,
  appealCallbackBody: z.string().check(z.refine(isObject, { error: () => say("bodyNot") })),
  partialItemsEndpoint: z.string(),
  partialItemsHeaders: headers,
  requiresSecondFactor: z.boolean(),
  requiresSingleSignOn: z.boolean(),
  sessionHours: number,
  sessionIdleMinutes: number,
  itemHistoryDays: number,
  itemTextSearch: z.boolean(),
  closedJobDays: number,
  recordDays: number,
  evaluationSample: number,
  ruleMaxActionsPerMinute: number,
  ruleMaxUsersPerHour: number,
  ruleApprovalAbove: number,
  userStrikeTtlDays: number,
});
export type Values = z.infer<typeof Values>;
export type Name = keyof Values;
export const PATHS = Object.keys(Values.def.shape) as Name[];

export function valuesOf(settings: Settings | null): Values {
  if (settings === null) throw new Error("settings are never made anew");
  const body = settings.appealCallbackBody;
  const text = (value: string | null | undefined) => value ?? "";
  const count = (value: number | null | undefined) => value ?? ("" as const);
  return {
    name: settings.name,
    email: text(settings.email),
    websiteUrl: text(settings.websiteUrl),
    onCallAlertEmail: text(settings.onCallAlertEmail),
    timeZone: text(settings.timeZone),
    requiresPolicyForDecisions: settings.requiresPolicyForDecisions ?? false,
    allowMultiplePoliciesPerAction: settings.allowMultiplePoliciesPerAction ?? false,
    requiresDecisionReason: settings.requiresDecisionReason ?? false,
    requiresDecisionReasonOnIgnore: settings.requiresDecisionReasonOnIgnore ?? false,
    hideSkipButtonForNonAdmins: settings.hideSkipButtonForNonAdmins ?? false,
    previewJobsViewEnabled: settings.previewJobsViewEnabled ?? false,
    undoWindow: count(settings.undoWindow),
    maxHoldHours: count(settings.maxHoldHours),
    bulkConfirmationAbove: count(settings.bulkConfirmationAbove),
    ignoreCallbackUrl: text(settings.ignoreCallbackUrl),
    ignoreCallbackHeaders: headerRows(settings.ignoreCallbackHeaderNames),
    hasAppealsEnabled: settings.hasAppealsEnabled ?? false,
    appealCallbackUrl: text(settings.appealCallbackUrl),
    appealCallbackHeaders: headerRows(settings.appealCallbackHeaderNames),
    appealCallbackBody: body && Object.keys(body).length > 0 ? JSON.stringify(body, null, 2) : "",
    partialItemsEndpoint: text(settings.partialItemsEndpoint),
    partialItemsHeaders: headerRows(settings.partialItemsHeaderNames),
    requiresSecondFactor: settings.requiresSecondFactor ?? false,
    requiresSingleSignOn: settings.requiresSingleSignOn ?? false,
    sessionHours: count(settings.sessionHours),
    sessionIdleMinutes: count(settings.sessionIdleMinutes),
    itemHistoryDays: count(settings.itemHistoryDays),
    itemTextSearch: settings.itemTextSearch ?? false,
    closedJobDays: count(settings.closedJobDays),
    recordDays: count(settings.recordDays),
    evaluationSample: settings.evaluationSample === undefined ? "" : Math.round(settings.evaluationSample * 10_000) / 100,
    ruleMaxActionsPerMinute: count(settings.ruleMaxActionsPerMinute),
    ruleMaxUsersPerHour: count(settings.ruleMaxUsersPerHour),
    ruleApprovalAbove: count(settings.ruleApprovalAbove),
    userStrikeTtlDays: count(settings.userStrikeTtlDays),
  };
}

/** What is no number is left as it is by the API's own default, but where empty means something. */
const NEVER = ["sessionHours", "sessionIdleMinutes", "closedJobDays", "recordDays", "ruleMaxActionsPerMinute", "ruleMaxUsersPerHour", "ruleApprovalAbove"] as const;

export function bodyOf(values: Values, base: Settings): Schema["SettingsBody"] {
  const body: Record<string, unknown> = { ...settingsWith(base, base.defaultWellness as Choice) };
  for (const [name, value] of Object.entries(values)) {
    const isCount = typeof value === "number" || (value === "" && typeof valuesOf(base)[name as Name] === "number");
    if (NEVER.some((one) => one === name)) body[name] = value === "" ? null : value;
    else if (typeof value === "string" && !isCount && name !== "name" && name !== "timeZone") body[name] = value.trim() === "" ? null : value.trim();
    else if (value !== "") body[name] = value;
  }
  const { appealCallbackBody } = values;
  return {
    ...(body as Pick<Schema["SettingsBody"], "name">),
    name: values.name.trim(),
    appealCallbackBody: appealCallbackBody.trim() === "" ? {} : (JSON.parse(appealCallbackBody) as Record<string, Schema["JsonValue"]>),
    evaluationSample: values.evaluationSample === "" ? base.evaluationSample : values.evaluationSample / 100,
    ignoreCallbackHeaders: headersOf(values.ignoreCallbackHeaders),
    appealCallbackHeaders: headersOf(values.appealCallbackHeaders),
    partialItemsHeaders: headersOf(values.partialItemsHeaders),
  };
}

export function read(): Promise<Settings> {
  return take(api.GET("/v1/settings"));
}

export function save(values: Values, base: Settings | null): Promise<Settings> {
  if (base === null) throw new Error("settings are never made anew");
  return take(api.PUT("/v1/settings", { params: { header: ifMatch(base.revision) }, body: bodyOf(values, base) }));
}
