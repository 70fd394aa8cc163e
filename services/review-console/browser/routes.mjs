// Addresses of the router, from the tree that it is built of.
import { readFileSync } from "node:fs";

import { BASE } from "./browser.mjs";

export function routes() {
  const tree = readFileSync(new URL("../src/routeTree.gen.ts", import.meta.url), "utf8");
  const [, paths] = /fullPaths:((?:\s*\|\s*"[^"]*")+);/.exec(tree);
  return [...paths.matchAll(/"([^"]*)"/g)].map(([, path]) => path);
}

/** The route that the router takes for an address: one without parameters before one with. */
export function routeOf(address, all) {
  const { pathname } = new URL(address, BASE);
  return all.filter((route) => new RegExp(`^${route.replaceAll(/\$\w+/g, "[^/]+")}$`).test(pathname)).sort((a, b) => a.split("$").length - b.split("$").length)[0];
}
