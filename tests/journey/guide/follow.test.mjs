// The user guide, followed from its first sentence to its last: each numbered step is done as it is written,
// in a browser, against the whole system.
import assert from "node:assert/strict";
import { after, test } from "node:test";

import { administrator } from "./administrator.mjs";
import { childSafetyReviewer } from "./child-safety-reviewer.mjs";
import { integrator } from "./integrator.mjs";
import { moderator } from "./moderator.mjs";
import { policyAuthor } from "./policy-author.mjs";
import { start } from "./start.mjs";
import { Step } from "./step.mjs";
import { stepsOf } from "./text.mjs";
import { World } from "./world.mjs";

/** By chapter, in the order of the guide: what is done, and who does it. */
const CHAPTERS = { start, administrator, integrator, "policy-author": policyAuthor, moderator, "child-safety-reviewer": childSafetyReviewer };

const world = new World();
let broken = null;
after(() => world.close());

for (const [chapter, script] of Object.entries(CHAPTERS)) {
  const steps = stepsOf(chapter);

  test(`${chapter}: each step of the guide has its script, and each of the script its sentence`, () => {
    assert.deepEqual(Object.keys(script), [...steps.keys()]);
  });

  for (const [anchor, named] of steps) {
    test(named.id, { timeout: 180_000 }, async (running) => {
      // One step needs those before it: the first that is not done is the one to look at.
      if (broken !== null) return running.skip(`not done: ${broken}`);
      broken = named.id;
      const { by = "admin", follow = script[anchor] } = script[anchor];
      const { page } = await world.browserOf(by);
      const step = new Step(named, page);
      try {
        await follow(step, world);
      } catch (error) {
        const seen = await page.locator("#page, [role=dialog]").or(page.locator("body")).last().innerText();
        throw new Error(`${named.id}, at ${page.url()}:\n${error.message}\n${seen.slice(0, 3_000)}`, { cause: error });
      }
      step.end();
      broken = null;
    });
  }
}

test("no page broke", () => assert.deepEqual(world.faults(), []));
