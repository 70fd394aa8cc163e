import { expect, it } from "vitest";

import { browserOf } from "./browser-name";

it("a browser that names others too is called by its own name, and one that is unknown by none", () => {
  const edge = "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/139.0.0.0 Safari/537.36 Edg/139.0.0.0";
  const phone = "Mozilla/5.0 (iPhone; CPU iPhone OS 18_5 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/18.5 Mobile/15E148 Safari/604.1";
  expect(browserOf(edge)).toEqual({ browser: "Edge", system: "Windows" });
  expect(browserOf(phone)).toEqual({ browser: "Safari", system: "iOS" });
  expect(browserOf("python-httpx/0.28")).toEqual({ browser: null, system: null });
});
