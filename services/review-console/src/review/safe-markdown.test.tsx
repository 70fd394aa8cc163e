import { render } from "@testing-library/react";
import { expect, it } from "vitest";

import SafeMarkdown from "./safe-markdown";

it("shows emphasis and lists, and of hostile text nothing but text", () => {
  const text = "**Remove** it\n\n- one\n\n<script>alert(1)</script> <img src=x onerror=alert(1)> [here](javascript:alert(1)) [there](https://bad.example) ![p](https://bad.example/p.png)";
  const { container } = render(<SafeMarkdown text={text} />);
  expect(container.querySelector("strong")).toHaveTextContent("Remove");
  expect(container.querySelector("li")).toHaveTextContent("one");
  expect(container.querySelectorAll("script, img, a, iframe, input")).toHaveLength(0);
  expect(container).toHaveTextContent("<script>alert(1)</script>");
});
