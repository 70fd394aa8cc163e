// The sender, against a server that answers as it is told.

import assert from "node:assert/strict";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { after, beforeEach, test } from "node:test";
import { Coop, Refusal, Unavailable, readBody, type Item, type Report } from "../src/index.js";

const POST: Item = { id: "p1", typeId: "post", data: { text: "hello" } };
const REPORT: Report = {
  reporter: { kind: "user", id: "u1", typeId: "user" },
  reportedAt: "2026-01-01T00:00:00Z",
  reportedItem: POST,
};
const KEY = "the-key-of-the-platform";

interface Said {
  readonly status: number;
  readonly body?: unknown;
  readonly headers?: Record<string, string>;
}

interface Asked {
  readonly target: string;
  readonly headers: Record<string, string | string[] | undefined>;
  readonly body: string;
}

/** One after another; the last for ever. Status 0 hangs up. */
let answers: Said[] = [];
let asked: Asked[] = [];
let waits: number[] = [];

const server = createServer((request, response) => {
  void readBody(request).then((body) => {
    const target = `${request.method ?? ""} ${request.url ?? ""}`;
    asked.push({ target, headers: request.headers, body: body.toString() });
    const said = answers[Math.min(asked.length, answers.length) - 1];
    if (said === undefined || said.status === 0) {
      request.socket.destroy();
      return;
    }
    response.writeHead(said.status, said.headers ?? {});
    response.end(said.body === undefined ? "" : JSON.stringify(said.body));
  });
});
await new Promise<void>((done) => server.listen(0, "127.0.0.1", done));
const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
after(() => {
  server.close();
  server.closeAllConnections();
});

beforeEach(() => {
  [answers, asked, waits] = [[], [], []];
});

const sleep = (seconds: number): Promise<void> => Promise.resolve(void waits.push(seconds));
const coop = new Coop(url, KEY, { sleep, random: () => 1 });

function error(status: number, detail: string, pointer: string): Said {
  const told = { status, type: ["/errors/invalid-user-input"], title: "Wrong", detail, pointer };
  return { status, body: { errors: [told] } };
}

test("items are sent with the key and a key of their own", async () => {
  answers = [{ status: 202, headers: { "X-Coop-Unknown-Fields": "colour, gr%C3%B6%C3%9Fe" } }];
  const sent = await coop.sendItems([POST]);
  assert.deepEqual(sent, { accepted: null, errors: [], notices: { "x-coop-unknown-fields": ["colour", "größe"] } });
  const [one] = asked;
  assert.ok(one);
  assert.equal(one.target, "POST /api/v1/items/async/");
  assert.equal(one.headers["x-api-key"], KEY);
  assert.equal(String(one.headers["idempotency-key"]).length, 36);
  assert.deepEqual(JSON.parse(one.body), { items: [POST] });
});

test("of a batch in part what was taken is told", async () => {
  const { body } = error(400, "no text", "/items/1/data/text");
  const { errors } = body as { errors: unknown[] };
  answers = [{ status: 202, body: { accepted: ["p1"], errors } }];
  const sent = await coop.sendItems([POST, POST], { partial: true });
  assert.deepEqual([sent.accepted, sent.errors], [["p1"], errors]);
  assert.equal(asked[0]?.target, "POST /api/v1/items/async/?partial=true");
});

for (const status of [0, 429, 500, 502, 503, 504]) {
  test(`what can be tried again is sent under the same key: ${status}`, async () => {
    answers = [{ status }, { status }, { status: 201, body: { reportId: "r1" } }];
    assert.equal(await coop.report(REPORT), "r1");
    assert.equal(new Set(asked.map(({ headers }) => headers["idempotency-key"])).size, 1);
    assert.deepEqual(waits, [0.5, 1]);
  });
}

test("each call has a key of its own unless one is given", async () => {
  answers = [{ status: 201, body: { reportId: "r1" } }];
  await coop.report(REPORT);
  await coop.report(REPORT);
  await coop.report(REPORT, { idempotencyKey: "job-7" });
  const keys = asked.map(({ headers }) => headers["idempotency-key"]);
  assert.equal(new Set(keys).size, 3);
  assert.equal(keys[2], "job-7");
});

test("Coop's wish to wait is followed, in seconds or as a date", async () => {
  const until = new Date(Date.now() + 20_000).toUTCString();
  answers = [
    { status: 429, headers: { "Retry-After": "7" } },
    { status: 503, headers: { "Retry-After": until } },
    { status: 202 },
  ];
  await coop.sendItems([POST]);
  assert.equal(waits[0], 7.5);
  assert.ok(Number(waits[1]) > 5 && Number(waits[1]) <= 20.5);
});

test("a wish that is too long is told rather than cut", async () => {
  answers = [{ status: 503, headers: { "Retry-After": "3600" } }];
  await assert.rejects(coop.sendItems([POST]), { constructor: Unavailable, retryAfter: 3600 });
  assert.deepEqual([asked.length, waits], [1, []]);
});

test("it gives up in the end", async () => {
  answers = [{ status: 503 }];
  await assert.rejects(coop.sendItems([POST]), Unavailable);
  assert.deepEqual([asked.length, waits.length], [5, 4]);
});

test("nobody there is unavailable, told without the key", async () => {
  const nobody = new Coop("http://127.0.0.1:1", KEY, { tries: 2, sleep });
  await assert.rejects(
    nobody.sendItems([POST]),
    (fault: Error) => fault instanceof Unavailable && !fault.message.includes(KEY),
  );
});

test("a refusal says what is wrong and where, at once", async () => {
  answers = [error(400, "no text", "/items/0/data/text")];
  await assert.rejects(coop.sendItems([POST]), {
    constructor: Refusal,
    status: 400,
    message: "400: /items/0/data/text no text",
  });
  assert.equal(asked.length, 1);
});

test("a key that is under way is waited for, one that was used for another body is not", async () => {
  answers = [{ ...error(409, "running", ""), headers: { "Retry-After": "1" } }, error(409, "another body", "")];
  await assert.rejects(coop.sendItems([POST]), /another body/);
  assert.equal(asked.length, 2);
});

test("a redirect is not followed", async () => {
  answers = [{ status: 307, headers: { Location: `${url}/elsewhere` } }];
  await assert.rejects(coop.sendItems([POST]), { constructor: Refusal, status: 307 });
  assert.equal(asked.length, 1);
});

test("an item is asked for by ids of any form", async () => {
  answers = [error(404, "no such item", "")];
  assert.equal(await coop.item("post", "a/b ü?#"), null);
  assert.equal(asked[0]?.target, "GET /api/v1/items/post/a%2Fb%20%C3%BC%3F%23");
});

test("the others go where they belong", async () => {
  answers = [{ status: 204 }, { status: 202 }, { status: 200, body: { policies: [{ id: "spam", name: "Spam", parentId: null }] } }];
  await coop.appeal({
    appealId: "a1",
    appealedBy: { id: "u1", typeId: "user" },
    appealedAt: "2026-01-01T00:00:00Z",
    actionedItem: POST,
    actionsTaken: ["remove"],
  });
  await coop.act({ actionId: "remove", itemId: "p1", itemTypeId: "post" });
  assert.deepEqual((await coop.policies()).map(({ id }) => id), ["spam"]);
  assert.deepEqual(
    asked.map(({ target }) => target),
    ["POST /api/v1/report/appeal", "POST /api/v1/actions/", "GET /api/v1/policies/"],
  );
});

test("an address that is none is told at once", () => {
  for (const wrong of ["coop.example", "ftp://coop.example", "https://"]) {
    assert.throws(() => new Coop(wrong, KEY), RangeError);
  }
});
