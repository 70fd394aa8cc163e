// What the guide takes for granted: a shell, a platform's server, and browsers of the people in it.
import assert from "node:assert/strict";
import { execFile, spawn } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";

import { open, until } from "../../../services/review-console/browser/browser.mjs";

const run = promisify(execFile);

export class World {
  folder = mkdtempSync(join(tmpdir(), "coop-guide-"));
  /** What the guide says is set in the shell; a drawn picture of the demo platform is one of ours. */
  variables = {
    COOP_URL: process.env.COOP_INGEST_URL,
    PICTURE: `${JSON.parse(readFileSync(process.env.COOP_RUN_FILE, "utf8")).services["demo-platform"].url}/media/picture/cat-shape.jpg`,
  };
  #people = new Map();
  #receiver = null;
  received = [];

  /** A shell of the platform's, or of whoever runs Coop; what it printed. */
  async shell(text, more = {}) {
    const environment = { ...process.env, ...this.variables, ...more };
    const { stdout } = await run("bash", ["-euo", "pipefail", "-c", text], { cwd: this.folder, env: environment, timeout: 60_000 });
    return stdout;
  }

  async python(text) {
    const { stdout } = await run("python3", ["-c", text], { cwd: this.folder, env: { ...process.env, ...this.variables }, timeout: 60_000 });
    return stdout;
  }

  keep(name, text) {
    writeFileSync(join(this.folder, name), text);
  }

  read(name) {
    return readFileSync(join(this.folder, name), "utf8");
  }

  /** Starts what was kept as `receiver.py`; its address. */
  async startReceiver() {
    const port = await freePort();
    this.#receiver = spawn("python3", ["receiver.py"], { cwd: this.folder, env: { ...process.env, RECEIVER_PORT: String(port) }, stdio: ["ignore", "pipe", "inherit"] });
    this.#receiver.stdout.setEncoding("utf8");
    let rest = "";
    this.#receiver.stdout.on("data", (text) => {
      const lines = (rest + text).split("\n");
      rest = lines.pop();
      this.received.push(...lines);
    });
    return `http://127.0.0.1:${port}/coop`;
  }

  /** A webhook that the receiver verified, about an item and of an action. */
  verified(itemId, action, more = () => true) {
    return until(() => {
      const bodies = this.received.filter((line) => line.startsWith("verified ")).map((line) => JSON.parse(line.slice("verified ".length)));
      return Promise.resolve(bodies.find((body) => body.item?.id === itemId && (action === null || body.action?.name === action || body.action?.id === action) && more(body)));
    }, `verified webhook about ${itemId}: ${this.received.join("\n")}`);
  }

  /** The browser of somebody. */
  async browserOf(name) {
    if (!this.#people.has(name)) {
      const session = await open();
      session.page.setDefaultTimeout(60_000);
      await session.context.grantPermissions(["clipboard-read", "clipboard-write"]);
      this.#people.set(name, session);
    }
    return this.#people.get(name);
  }

  /** What broke on anybody's page; refusals are for the steps to see. */
  faults() {
    return [...this.#people.values()].flatMap(({ faults }) => faults).filter((one) => !/status of (4\d\d|502)/.test(one));
  }

  async close() {
    for (const { browser } of this.#people.values()) await browser.close();
    this.#receiver?.kill();
    rmSync(this.folder, { recursive: true });
  }
}

async function freePort() {
  const server = createServer();
  await new Promise((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { port } = server.address();
  await new Promise((resolve) => server.close(resolve));
  assert.ok(port > 0);
  return port;
}
