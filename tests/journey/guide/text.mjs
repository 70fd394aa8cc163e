// The user guide as what is to be followed: its numbered steps, what each names in bold and in code, and
// its blocks.
import { readFileSync } from "node:fs";

const FOLDER = new URL("../../../docs/guide/", import.meta.url);
const FENCE = /^```(\w*)\n(.*?)^```$/gms;

/** As links to headings have them. */
function anchorOf(heading) {
  return heading
    .toLowerCase()
    .replaceAll(/[^\p{L}\p{N}_\- ]/gu, "")
    .replaceAll(" ", "-");
}

const flat = (text) => text.replaceAll(/\s+/g, " ");
const all = (pattern, text) => [...text.matchAll(pattern)].map(([, found]) => flat(found));

/** The numbered steps of a chapter by their anchor, in its order: a heading that begins with a number. */
export function stepsOf(chapter) {
  const text = readFileSync(new URL(`${chapter}.md`, FOLDER), "utf8");
  const blocks = [];
  // Headings and bold words inside a block are no headings, and no bold words.
  const plain = text.replaceAll(FENCE, (_, language, body) => `\u0000${blocks.push({ language, text: body }) - 1}\n`);
  const steps = new Map();
  for (const part of plain.split(/^(?=##)/m)) {
    const [, heading] = /^### (\d+\. .+)$/m.exec(part) ?? [];
    if (heading === undefined) continue;
    const own = [...part.matchAll(/\u0000(\d+)/g)].map(([, at]) => blocks[Number(at)]);
    steps.set(anchorOf(heading), { id: `${chapter}#${anchorOf(heading)}`, bold: all(/\*\*(.+?)\*\*/gs, part), code: all(/`([^`]+)`/gs, part), blocks: own });
  }
  return steps;
}
