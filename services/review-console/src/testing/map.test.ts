import { readdirSync, readFileSync } from "node:fs";
import { join, relative } from "node:path";

import { expect, it } from "vitest";

const SRC = join(process.cwd(), "src");
const README = readFileSync(join(SRC, "../README.md"), "utf8");
const MAP = README.slice(README.indexOf("## Inside"), README.indexOf("## Add a page"));
const FEATURES = [...(/^\| (.*?) \| \*\*features/m.exec(MAP)?.[1] ?? "").matchAll(/`([a-z-]+)\/`/g)].flatMap(([, name]) => name ?? []);

const folders = readdirSync(SRC, { withFileTypes: true }).flatMap((one) => (one.isDirectory() ? [one.name] : []));
const files = readdirSync(SRC, { recursive: true, encoding: "utf8" }).filter((one) => /\.tsx?$/.test(one) && !/\.test\.tsx?$/.test(one));

/** `queue` → `review/entered`: what a feature, or the ground beneath, takes from another feature. */
function crossings(): string[] {
  const found = new Set<string>();
  for (const file of files) {
    const from = relative(SRC, join(SRC, file)).split(/[\\/]/)[0] ?? "";
    if (from === "routes" || from === "testing") continue;
    for (const [, feature, part] of readFileSync(join(SRC, file), "utf8").matchAll(/from "@\/([a-z-]+)\/([a-z.-]+)"/g)) {
      if (feature !== undefined && feature !== from && FEATURES.includes(feature)) found.add(`${feature}/${part ?? ""}`);
    }
  }
  return [...found].sort();
}

it("the map has every folder, and no other", () => {
  const named = [...MAP.matchAll(/^\| (.*?) \|/gm)].flatMap(([, cell]) => [...(cell ?? "").matchAll(/`([a-z-]+)\/`/g)].map(([, name]) => name));
  expect([...named].sort()).toEqual([...folders].sort());
});

it("a part of a feature that another one takes is offered by name", () => {
  const offered = MAP.slice(MAP.indexOf("What features offer"));
  expect(crossings().filter((one) => !offered.includes(`\`${one}\``))).toEqual([]);
});
