// The public wire format, by name. `wire.ts` is made of `openapi.json` by `make clients-api`.

import type { components } from "./wire.js";

type Schemas = components["schemas"];

export type ActionOrder = Schemas["ActionOrder"];
export type ActionWebhook = Schemas["ActionWebhook"];
export type ApiError = Schemas["ApiError"];
export type Appeal = Schemas["Appeal"];
export type AppealWebhook = Schemas["AppealWebhook"];
export type IgnoredWebhook = Schemas["IgnoredWebhook"];
export type InfoAnswer = Schemas["InfoAnswer"];
export type InfoQuestion = Schemas["InfoQuestion"];
export type Item = Schemas["Item"];
export type ItemRecord = Schemas["ItemRecord"];
export type ItemRef = Schemas["ItemRef"];
export type ItemsQuestion = Schemas["ItemsQuestion"];
export type PolicyEntry = Schemas["PolicyEntry"];
export type PreservationWebhook = Schemas["PreservationWebhook"];
export type Report = Schemas["Report"];
