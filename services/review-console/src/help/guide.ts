/**
 * The texts and pictures of the user guide, as they are in `docs/`: built in, so that they are those of
 * this very build.
 *
 * Guarantees: a chapter is loaded when it is opened; its sections are what its headings say.
 */
import { anchorOf, CHAPTERS, type Chapter } from "./chapters";

const texts = import.meta.glob<string>("../../../../docs/guide/*.md", { query: "?raw", import: "default" });
const pictures = import.meta.glob<string>("../../../../docs/images/console/*-light.webp", { query: "?url", import: "default", eager: true });

export interface Section {
  readonly title: string;
  readonly anchor: string;
}

export interface Text {
  readonly title: string;
  readonly body: string;
  readonly sections: readonly Section[];
}

export function isChapter(name: string): name is Chapter {
  return (CHAPTERS as readonly string[]).includes(name);
}

export async function textOf(chapter: Chapter): Promise<Text> {
  const load = texts[`../../../../docs/guide/${chapter}.md`];
  if (!load) throw new Error(`docs/guide has no ${chapter}.md`);
  const body = await load();
  const headings = [...body.replaceAll(/^```.*?^```/gms, "").matchAll(/^(##?) (.*)$/gm)];
  const titles = (level: string) => headings.flatMap(([, depth, title]) => (depth === level && title ? [title] : []));
  return { title: titles("#")[0] ?? chapter, body, sections: titles("##").map((title) => ({ title, anchor: anchorOf(title) })) };
}

/** Where a picture is that a chapter names, relative to itself; null: it is not one of the console's. */
export function pictureAt(src: string): string | null {
  return pictures[src.replace(/^\.\.\//, "../../../../docs/")] ?? null;
}

/** A link of a chapter: to a chapter, or within this one; null: it leads out of the guide. */
export function linkOf(href: string, from: Chapter): { chapter: Chapter; anchor?: string } | null {
  const [, name, anchor] = /^(?:([a-z-]+)\.md)?(?:#(.+))?$/.exec(href) ?? [];
  if (name === undefined && anchor === undefined) return null;
  const chapter = name ?? from;
  return isChapter(chapter) ? { chapter, anchor } : null;
}
