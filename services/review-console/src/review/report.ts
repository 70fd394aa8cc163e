/**
 * What a report to NCMEC says, while a reviewer makes it: a category and labels for each medium, the
 * kind of incident, messages, victims and recipients, and words.
 *
 *     nothing ──category──▶ A1 A2 B1 B2: in the report, with labels
 *                       └─▶ NONE: looked at, not in it, no labels
 *
 * Guarantees: a medium without a category of abuse is not sent; what is not in the report has no
 * labels; what was typed to confirm is in no draft; a draft is read whatever it holds.
 * Must not: ask anybody anything.
 */
import type { Schema } from "@/api/client";

export type Body = Schema["NcmecReportBody"];
export type Incident = Body["incident"];
export type Environment = Body["environment"];
export type Class = NonNullable<Schema["NcmecMedium"]["classification"]>;
export type Category = Class | "NONE";
export type Label = NonNullable<Schema["NcmecMedium"]["annotations"]>[number];
export type Circumstance = NonNullable<Body["annotations"]>[number];
export type Ref = Schema["ItemRefView"];
export type UserMedium = Schema["UserMediumView"];

export const CATEGORIES = ["A1", "A2", "B1", "B2", "NONE"] as const satisfies readonly Category[];
export const INCIDENTS = [
  "CHILD_PORNOGRAPHY",
  "CHILD_SEX_TRAFFICKING",
  "CHILD_SEX_TOURISM",
  "CHILD_SEXUAL_MOLESTATION",
  "MISLEADING_DOMAIN_NAME",
  "MISLEADING_WORDS_OR_IMAGES",
  "ONLINE_ENTICEMENT",
  "UNSOLICITED_OBSCENE_MATERIAL",
] as const satisfies readonly Incident[];
export const LABELS = [
  "ANIME_DRAWING_VIRTUAL_HENTAI",
  "BESTIALITY",
  "GENERATIVE_AI",
  "INFANT",
  "LIVE_STREAMING",
  "PHYSICAL_HARM",
  "POSSIBLE_SELF_PRODUCTION",
  "POTENTIAL_MEME",
  "VIOLENCE_GORE",
  "VIRAL",
] as const satisfies readonly Label[];
export const CIRCUMSTANCES = ["SEXTORTION", "CSAM_SOLICITATION", "MINOR_TO_MINOR_INTERACTION", "SADISTIC_ONLINE_EXPLOITATION", "SPAM"] as const satisfies readonly Circumstance[];

/** What was said of a medium, which its item and the place in it name. */
export interface Mark {
  readonly item: Ref;
  readonly pointer: string;
  readonly category: Category;
  readonly labels: readonly Label[];
}

/** Messages of a conversation, in its order. */
export interface Chosen {
  readonly thread: Ref;
  readonly messages: readonly Ref[];
}

/** A victim, or who was meant to receive something. */
export interface Person {
  readonly user: Ref;
  readonly age: number | null;
  readonly notes: string;
}

/** Of each kind; the server takes no more. */
export const MOST_PERSONS = 50;

export interface Report {
  readonly incident: Incident;
  /** By `placeOf`. */
  readonly marks: Readonly<Record<string, Mark>>;
  readonly threads: readonly Chosen[];
  readonly victims: readonly Person[];
  readonly recipients: readonly Person[];
  readonly circumstances: readonly Circumstance[];
  /** Why it is urgent; null: it is not. */
  readonly highPriority: string | null;
  readonly additionalInfo: string;
  /** The user was reported before, and is again. */
  readonly further: boolean;
  /** Typed to confirm whom it is about, and where it goes as the page showed it: in no draft. */
  readonly typed: string;
  readonly environment: Environment;
}

export const NO_REPORT: Report = { incident: "CHILD_PORNOGRAPHY", marks: {}, threads: [], victims: [], recipients: [], circumstances: [], highPriority: null, additionalInfo: "", further: false, typed: "", environment: "TEST" };

export function placeOf({ item, pointer }: Pick<Mark, "item" | "pointer">): string {
  return JSON.stringify([item.typeId, item.id, pointer]);
}

export function sameRef(one: Ref, other: Ref): boolean {
  return one.id === other.id && one.typeId === other.typeId;
}

/** The same category again takes it back. Without one of abuse there are no labels. */
export function categorised(report: Report, medium: Pick<Mark, "item" | "pointer">, category: Category): Report {
  const place = placeOf(medium);
  const before = report.marks[place];
  const others = Object.fromEntries(Object.entries(report.marks).filter(([other]) => other !== place));
  if (before?.category === category) return { ...report, marks: others };
  const { item, pointer } = medium;
  const labels = category === "NONE" ? [] : (before?.labels ?? []);
  return { ...report, marks: { ...others, [place]: { item: { id: item.id, typeId: item.typeId }, pointer, category, labels } } };
}

export function labelled(report: Report, medium: Pick<Mark, "item" | "pointer">, labels: readonly Label[]): Report {
  const place = placeOf(medium);
  const before = report.marks[place];
  if (!before || before.category === "NONE") return report;
  return { ...report, marks: { ...report.marks, [place]: { ...before, labels } } };
}

export function isIn(mark: Mark | undefined): mark is Mark & { category: Class } {
  return mark !== undefined && mark.category !== "NONE";
}

/** The marks that are sent. */
export function reportedOf(report: Report): (Mark & { category: Class })[] {
  return Object.values(report.marks).filter(isIn);
}

/** In the order of `order`, each thread once; without a message it is not there. */
export function withMessages(report: Report, thread: Ref, messages: readonly Ref[]): Report {
  const others = report.threads.filter((one) => !sameRef(one.thread, thread));
  return { ...report, threads: messages.length > 0 ? [...others, { thread, messages }] : others };
}

export function messagesOf(report: Report, thread: Ref): readonly Ref[] {
  return report.threads.find((one) => sameRef(one.thread, thread))?.messages ?? [];
}

export function hasContent(report: Report): boolean {
  return reportedOf(report).length > 0 || report.threads.length > 0 || report.additionalInfo.trim() !== "";
}

export function isUntouched(report: Report): boolean {
  return Object.keys(report.marks).length === 0 && !hasContent(report) && report.victims.length + report.recipients.length === 0 && report.circumstances.length === 0 && report.highPriority === null && report.incident === NO_REPORT.incident;
}

export function bodyOf(report: Report): Body {
  return {
    incident: report.incident,
    environment: report.environment,
    confirmedUserId: report.typed.trim(),
    media: reportedOf(report).map(({ item, pointer, category, labels }) => ({ item, pointer, classification: category, annotations: [...labels] })),
    threads: report.threads.map(({ thread, messages }) => ({ thread, messages: [...messages] })),
    victims: report.victims.map(sentPerson),
    recipients: report.recipients.map(sentPerson),
    annotations: [...report.circumstances],
    highPriority: report.highPriority?.trim() ?? null,
    additionalInfo: report.additionalInfo.trim() || null,
    further: report.further,
  };
}

function sentPerson({ user, age, notes }: Person): Schema["NcmecPerson"] {
  return { user: { id: user.id.trim(), typeId: user.typeId }, age, notes: notes.trim() || null };
}

/** What of it is kept as a draft. */
export function keptOf({ incident, marks, threads, victims, recipients, circumstances, highPriority, additionalInfo, further }: Report): Record<string, unknown> {
  return { incident, marks: Object.values(marks), threads, victims, recipients, circumstances, highPriority, additionalInfo, further };
}

/** Of a draft, or of a report that was refused or undone. */
export function reportOf(content: unknown): Report {
  if (!isRecord(content)) return NO_REPORT;
  const sent = Array.isArray(content.media) ? content.media : [];
  const kept = Array.isArray(content.marks) ? content.marks : [];
  const marks: Record<string, Mark> = {};
  for (const one of [...sent, ...kept].filter(isRecord)) {
    const item = refOf(one.item);
    const category = oneOf(CATEGORIES, one.category ?? one.classification);
    if (!item || !category || typeof one.pointer !== "string") continue;
    const mark = { item, pointer: one.pointer, category, labels: allOf(LABELS, one.labels ?? one.annotations) };
    marks[placeOf(mark)] = mark;
  }
  const threads = (Array.isArray(content.threads) ? content.threads : []).filter(isRecord).flatMap((one) => {
    const thread = refOf(one.thread);
    const messages = (Array.isArray(one.messages) ? one.messages : []).map(refOf).filter((ref) => ref !== null);
    return thread && messages.length > 0 ? [{ thread, messages }] : [];
  });
  return {
    ...NO_REPORT,
    incident: oneOf(INCIDENTS, content.incident) ?? NO_REPORT.incident,
    marks,
    threads,
    victims: personsOf(content.victims),
    recipients: personsOf(content.recipients),
    circumstances: allOf(CIRCUMSTANCES, content.circumstances ?? content.annotations),
    highPriority: typeof content.highPriority === "string" ? content.highPriority : null,
    additionalInfo: typeof content.additionalInfo === "string" ? content.additionalInfo : "",
    further: content.further === true,
  };
}

export type Lack = "off" | "content" | "looks" | "unseen" | "persons" | "priority" | "further" | "id";

export interface Terms {
  readonly isEnabled: boolean;
  readonly environment: Environment;
  readonly userId: string;
  readonly media: readonly Pick<UserMedium, "item" | "pointer" | "isSeen">[];
  readonly requirement: { readonly looked: number; readonly needed: number };
  /** A report about them was filed in this environment already. */
  readonly wasReported: boolean;
}

/** What still keeps it from being sent, in the order of the page. */
export function lacksOf(report: Report, terms: Terms): Lack[] {
  const found: Lack[] = [];
  if (!terms.isEnabled) found.push("off");
  if (!hasContent(report)) found.push("content");
  if (terms.requirement.looked < terms.requirement.needed) found.push("looks");
  if (unseenOf(report, terms.media).length > 0) found.push("unseen");
  if (!areNamed(report, terms.userId)) found.push("persons");
  if (report.highPriority !== null && report.highPriority.trim() === "") found.push("priority");
  if (terms.wasReported && !report.further) found.push("further");
  if (report.typed.trim() !== terms.userId) found.push("id");
  return found;
}

/** Who is beside the reported user has an id, and another one. */
function areNamed({ victims, recipients }: Report, reported: string): boolean {
  return [...victims, ...recipients].every(({ user }) => user.id.trim() !== "" && user.id.trim() !== reported);
}

/** Numbers of media in the report, from one on, that were not looked at whole. */
export function unseenOf(report: Report, media: Terms["media"]): number[] {
  return media.flatMap((one, index) => (isIn(report.marks[placeOf(one)]) && !one.isSeen ? [index + 1] : []));
}

/** `1, 3–5`. */
export function rangesOf(numbers: readonly number[]): string {
  const found: [number, number][] = [];
  for (const one of numbers) {
    const last = found.at(-1);
    if (last?.[1] === one - 1) last[1] = one;
    else found.push([one, one]);
  }
  return found.map(([from, to]) => (from === to ? String(from) : to === from + 1 ? `${from}, ${to}` : `${from}–${to}`)).join(", ");
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

function refOf(value: unknown): Ref | null {
  return isRecord(value) && typeof value.id === "string" && typeof value.typeId === "string" ? { id: value.id, typeId: value.typeId } : null;
}

function personsOf(values: unknown): Person[] {
  return (Array.isArray(values) ? values : []).filter(isRecord).flatMap((one) => {
    const user = refOf(one.user);
    return user ? [{ user, age: typeof one.age === "number" ? one.age : null, notes: typeof one.notes === "string" ? one.notes : "" }] : [];
  });
}

function oneOf<T extends string>(known: readonly T[], value: unknown): T | null {
  return known.find((one) => one === value) ?? null;
}

function allOf<T extends string>(known: readonly T[], values: unknown): T[] {
  return Array.isArray(values) ? known.filter((one) => values.includes(one)) : [];
}
