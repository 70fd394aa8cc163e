import { beforeEach, expect, it } from "vitest";

import { arrive } from "./home";

beforeEach(() => {
  document.body.innerHTML = '<main id="page" tabindex="-1"><section data-block tabindex="-1"></section><textarea></textarea><div id="job-thread" tabindex="0"></div></main>';
});

const at = (selector: string) => document.querySelector<HTMLElement>(selector) ?? document.body;

it("what comes late takes the focus from nobody who writes", () => {
  at("textarea").focus();
  arrive(at("#job-thread"));
  expect(at("textarea")).toHaveFocus();
});

it("what comes has the focus where nothing had it, or only the evidence", () => {
  arrive(at("[data-block]"));
  expect(at("[data-block]")).toHaveFocus();
  arrive(at("#job-thread"));
  expect(at("#job-thread")).toHaveFocus();
});
