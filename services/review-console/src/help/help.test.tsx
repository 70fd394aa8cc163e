import { readFileSync } from "node:fs";
import { join } from "node:path";

import { render, screen, within } from "@testing-library/react";
import { createMemoryHistory, createRootRoute, createRoute, createRouter, RouterProvider } from "@tanstack/react-router";
import { beforeEach, expect, it } from "vitest";

import { Around, signedIn } from "@/testing/page";

import { anchorOf, CHAPTERS, PLACES, placeOf } from "./chapters";
import { isChapter, linkOf, pictureAt, textOf } from "./guide";
import { ChapterPage } from "./help-page";

const DOCS = join(process.cwd(), "../../docs/guide");
const textFrom = (chapter: string) => readFileSync(join(DOCS, `${chapter}.md`), "utf8");
/** Whatever stands in a block is a program, not the guide's. */
const plain = (chapter: string) => textFrom(chapter).replaceAll(/^```.*?^```/gms, "");
const anchors = (chapter: string) => [...plain(chapter).matchAll(/^#+ (.*)$/gm)].map(([, heading]) => anchorOf(heading ?? ""));

beforeEach(() => signedIn(["MANAGE_ORG"]));

it.each(CHAPTERS)("every link and picture of the chapter %s leads somewhere in the guide", (chapter) => {
  const links = [...plain(chapter).matchAll(/(!?)\[[^\]]*\]\(([^)]+)\)/g)];
  for (const [whole, mark, href = ""] of links) {
    if (mark === "!") expect(pictureAt(href), whole).toBeTruthy();
    else {
      const to = linkOf(href, chapter);
      expect(to, whole).not.toBeNull();
      if (to?.anchor !== undefined) expect(anchors(to.chapter), whole).toContain(to.anchor);
    }
  }
});

it("each page that has a chapter leads to a heading that is there, and a page of none to the contents", () => {
  for (const [path, { chapter, anchor }] of PLACES) {
    expect(placeOf(path)).toEqual(anchor === undefined ? { chapter } : { chapter, anchor });
    if (anchor !== undefined) expect(anchors(chapter), path).toContain(anchor);
  }
  expect(placeOf("/settings/keys/7")?.anchor).toBe("9-make-a-key");
  expect(placeOf("/settingsx")).toBeNull();
});

it("the contents of the guide's folder list the chapters as they are read", () => {
  const listed = [...readFileSync(join(DOCS, "README.md"), "utf8").matchAll(/^\d+\. \[.*?\]\(([a-z-]+)\.md\)/gm)].map(([, name]) => name);
  expect(listed.filter((name) => isChapter(name ?? ""))).toEqual([...CHAPTERS]);
});

/** The page of a chapter at an address. */
async function shown(path: string) {
  const root = createRootRoute();
  const app = createRoute({ getParentRoute: () => root, id: "_app" });
  const chapter = createRoute({ getParentRoute: () => app, path: "help_/$chapter", component: ChapterPage });
  const help = createRoute({ getParentRoute: () => app, path: "help" });
  const router = createRouter({ routeTree: root.addChildren([app.addChildren([help, chapter])]), history: createMemoryHistory({ initialEntries: [path] }) });
  render(<RouterProvider router={router} />, { wrapper: Around });
  return screen.findByRole("article");
}

it("a chapter has its headings with addresses, its blocks to copy, and the ways to the chapters beside it", async () => {
  const article = await shown("/help_/administrator");
  const { sections } = await textOf("administrator");
  expect(sections.length).toBeGreaterThan(2);
  for (const { title, anchor } of sections) expect(within(article).getByRole("heading", { name: title }).id).toBe(anchor);
  expect(within(article).getByText(/After this/)).toHaveAttribute("href", "/help/integrator");
  expect(within(article).getByText(/Before this/)).toHaveAttribute("href", "/help/start");
  expect(screen.getByRole("navigation", { name: "Chapters" })).toBeVisible();
  expect(within(article).getAllByRole("img").length).toBeGreaterThan(0);
  expect(article.querySelectorAll("script, iframe, input")).toHaveLength(0);
});
