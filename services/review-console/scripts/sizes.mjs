// How much of the console is loaded when: node sizes.mjs; ends with 1 where a bound is exceeded.
//
// The entry is the script of index.html with all that it imports; of a page, or of a part that is
// loaded when it is asked for, its own file and what only comes with it. Kilobytes of gzip, as sent.
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { gzipSync } from "node:zlib";

const KB = 1024;
const dist = fileURLToPath(new URL("../dist", import.meta.url));
const assets = join(dist, "assets");

const read = (file) => readFileSync(join(assets, file), "utf8");
const size = (file) => gzipSync(readFileSync(join(assets, file)), { level: 9 }).length / KB;
const importedBy = (file) => [...read(file).matchAll(/(?:from|import)\s*["'`]\.\/([\w$.-]+\.js)["'`]/g)].map((match) => match[1]);

/** The files, and all that they import at once. */
function closure(files) {
  const found = new Set();
  const add = (file) => {
    if (found.has(file)) return;
    found.add(file);
    importedBy(file).forEach(add);
  };
  files.forEach(add);
  return found;
}

const sum = (files) => [...files].reduce((total, file) => total + size(file), 0);
const minus = (files, known) => [...files].filter((file) => !known.has(file));
const all = readdirSync(assets).filter((name) => name.endsWith(".js"));
const named = (prefix) => {
  const found = all.filter((name) => name.startsWith(prefix) && /^[\w-]{8}\.js$/.test(name.slice(prefix.length)));
  // Two files of a route: its address, and its page; the page is the larger one.
  return found.sort((a, b) => size(b) - size(a))[0] ?? fail(`no chunk is named ${prefix}`);
};

function fail(why) {
  console.error(why);
  process.exit(1);
}

const entry = closure([...readFileSync(join(dist, "index.html"), "utf8").matchAll(/assets\/([\w$.-]+\.js)/g)].map((match) => match[1]));
const shell = closure([...entry, named("_app-")]);
const job = named("_app.jobs._jobId-");
const charts = all.filter((name) => /recharts/.test(read(name)));
const first = [shell, closure([named("_app.queues-"), job, named("_app.overview-")])];

const BOUNDS = [
  ["entry, with all that it imports", sum(entry), 200],
  ["page of a job, its own", size(job), 40],
  ["page of a job, with what the shell has not", sum(minus(closure([job]), shell)), 110],
];
for (const [what, is, bound] of BOUNDS) console.log(`${is > bound ? "TOO LARGE" : "ok"}  ${what}: ${is.toFixed(1)} KB, at most ${bound}`);
if (BOUNDS.some(([, is, bound]) => is > bound)) process.exitCode = 1;
if (charts.length === 0) fail("there is no chunk with the charts: this looks for the wrong one");
for (const loaded of first) for (const file of charts) if (loaded.has(file)) fail(`charts are loaded before they are wanted, with ${file}`);
