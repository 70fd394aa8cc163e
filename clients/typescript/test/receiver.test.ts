// What a platform's functions see, and what Coop hears.

import assert from "node:assert/strict";
import { test } from "node:test";
import { Later, MemorySeen, Receiver, type Answer, type Functions } from "../src/index.js";
import { plainVerifier, signed } from "./vectors.js";

const REF = { id: "p1", typeId: "post" };
const ACTION = {
  item: { ...REF, typeName: "Post" },
  action: { id: "remove", name: "Remove" },
  policies: [],
  rules: [],
  custom: {},
};
const TOLD = {
  onAction: ACTION,
  onAppeal: { appealId: "a", item: REF, appealedBy: REF, appealDecision: "REJECT" },
  onIgnored: { ...REF, data: {} },
  onPreservation: { cybertipId: "c", reportId: "1", environment: "TEST", user: REF, reportedMedia: [] },
} as const;

const receiver = (functions: Functions) => new Receiver(plainVerifier(), functions);
const said = ({ status, body }: Answer): [number, unknown] => [status, JSON.parse(body)];
const once: [number, unknown] = [200, { repeated: false }];
const before: [number, unknown] = [200, { repeated: true }];

for (const [name, told] of Object.entries(TOLD)) {
  test(`each kind comes to its function: ${name}`, async () => {
    const seen: unknown[] = [];
    const functions = Object.fromEntries(
      Object.keys(TOLD).map((one) => [one, (body: unknown) => void seen.push([one, body])]),
    );
    assert.deepEqual(said(await receiver(functions).receive(...signed(told))), once);
    assert.deepEqual(seen, [[name, told]]);
  });
}

test("what came before is done once", async () => {
  const done: (string | null)[] = [];
  const one = receiver({ onAction: (_, { id }) => void done.push(id) });
  const request = signed(ACTION);
  assert.deepEqual(said(await one.receive(...request)), once);
  assert.deepEqual(said(await one.receive(...request)), before);
  assert.deepEqual(said(await one.receive(...signed(ACTION))), once);
  assert.equal(new Set(done).size, 2);
});

test("what failed comes again, and the reason stays here", async () => {
  const faults: unknown[] = [];
  let tries = 0;
  const one = receiver({
    onAction: () => {
      tries += 1;
      if (tries === 1) throw new Error("database password is hunter2");
    },
    onFault: (fault) => void faults.push(fault),
  });
  const request = signed(ACTION);
  assert.deepEqual(said(await one.receive(...request)), [500, { error: "not done" }]);
  assert.deepEqual(said(await one.receive(...request)), once);
  assert.equal(faults.length, 1);
});

test("a platform may ask for time", async () => {
  const one = receiver({
    onAction: () => {
      throw new Later(120);
    },
  });
  const request = signed(ACTION);
  for (let attempt = 0; attempt < 2; attempt += 1) {
    const answer = await one.receive(...request);
    assert.deepEqual([answer.status, answer.headers["retry-after"]], [503, "120"]);
  }
});

test("two at once are done once", async () => {
  let goOn = (): void => undefined;
  let done = 0;
  const one = receiver({
    onAction: async () => {
      await new Promise<void>((resolve) => (goOn = resolve));
      done += 1;
    },
  });
  const request = signed(ACTION);
  const first = one.receive(...request);
  const second = await one.receive(...request);
  assert.deepEqual([second.status, second.headers["retry-after"]], [503, "5"]);
  goOn();
  assert.deepEqual(said(await first), once);
  assert.deepEqual(said(await one.receive(...request)), before);
  assert.equal(done, 1);
});

test("nothing is done for a trial", async () => {
  let done = 0;
  const one = receiver({ onAction: () => void (done += 1) });
  assert.deepEqual(said(await one.receive(...signed({ ...ACTION, trial: true }))), [200, { trial: true }]);
  assert.equal(done, 0);
});

test("what nobody is here for is no success", async () => {
  for (const told of [...Object.values(TOLD), { items: [REF] }, { users: [REF], media: [] }]) {
    assert.equal((await receiver({}).receive(...signed(told))).status, 501);
  }
});

test("a body that breaks readers is answered", async () => {
  for (const body of ["[".repeat(200_000), "1".repeat(5000), '{"a":'.repeat(20_000)]) {
    assert.equal((await receiver({}).receive(...signed(body))).status, 400);
  }
});

test("a stranger is refused before anything is read", async () => {
  let done = 0;
  const one = receiver({ onAction: () => void (done += 1) });
  const [headers, body] = signed(ACTION);
  assert.equal((await one.receive(headers, Buffer.from(body.toString().replace("p1", "p2")))).status, 401);
  assert.equal((await one.receive({}, Buffer.from("[".repeat(100_000)))).status, 401);
  assert.equal(done, 0);
});

test("a question about items is answered with what was asked for", async () => {
  const one = receiver({
    items: (asked) => {
      assert.equal(asked.length, 3);
      return [
        { id: "p1", typeId: "post", data: { text: "ä" } },
        { id: "p2", type: { id: "post" }, data: {} },
        { id: "p1", typeId: "user", data: { not: "asked for" } },
      ];
    },
  });
  const request = signed({ items: [REF, { id: "p2", typeId: "post" }, { id: "gone", typeId: "post" }] });
  const items = [
    { id: "p1", typeId: "post", data: { text: "ä" } },
    { id: "p2", type: { id: "post" }, data: {} },
  ];
  assert.deepEqual(said(await one.receive(...request)), [200, { items }]);
  assert.deepEqual(said(await one.receive(...request)), [200, { items }]);
});

test("additional information names nobody who was not asked for", async () => {
  const users = [{ id: "u1", typeId: "user", screenName: "one" }];
  const media = [{ ...REF, publiclyAvailable: true }];
  const one = receiver({
    additionalInfo: () => ({
      users: [...users, { id: "u2", typeId: "user", screenName: "two" }],
      media: [...media, { id: "p2", typeId: "post" }],
      additionalInfo: "seen twice",
    }),
  });
  const answer = await one.receive(...signed({ users: [{ id: "u1", typeId: "user" }], media: [REF] }));
  assert.deepEqual(said(answer), [200, { users, media, additionalInfo: "seen twice" }]);
});

test("a claim ends when whoever had it is gone", () => {
  let now = 0;
  const seen = new MemorySeen({ claimed: 60, kept: 1000, now: () => now * 1000 });
  assert.deepEqual([seen.claim("a"), seen.claim("a")], ["NEW", "BUSY"]);
  now = 61;
  assert.equal(seen.claim("a"), "NEW");
  seen.done("a");
  now = 1060;
  assert.equal(seen.claim("a"), "DONE");
  now = 1062;
  assert.equal(seen.claim("a"), "NEW");
});

test("a flood of ids does not grow for ever", () => {
  const seen = new MemorySeen({ limit: 10 });
  for (let number = 0; number < 1000; number += 1) {
    assert.equal(seen.claim(String(number)), "NEW");
    seen.done(String(number));
  }
  assert.equal(seen.size, 10);
  assert.equal(seen.claim("999"), "DONE");
});
