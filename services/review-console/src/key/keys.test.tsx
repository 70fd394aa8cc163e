import { Menu, MantineProvider } from "@mantine/core";
import { fireEvent, render, screen } from "@testing-library/react";
import userEvent from "@testing-library/user-event";
import { expect, it, vi } from "vitest";

import { useCommand, useKeyboard } from "./keys";

function Page({ run, send, away }: { run: () => void; send: () => void; away: () => void }) {
  useKeyboard();
  useCommand({ id: "test.skip", scope: "job", keys: "S", label: "Skip", run });
  useCommand({ id: "test.send", scope: "job", keys: "Mod+Enter", anywhere: true, label: "Send", run: send });
  useCommand({ id: "test.away", scope: "global", keys: "Alt+0", always: true, label: "Away", run: away });
  return (
    <MantineProvider env="test">
      <textarea aria-label="Reason" />
      <Menu>
        <Menu.Target>
          <button type="button">More</button>
        </Menu.Target>
        <Menu.Dropdown>
          <Menu.Item>Hold</Menu.Item>
        </Menu.Dropdown>
      </Menu>
    </MantineProvider>
  );
}

function show() {
  const did = { run: vi.fn(), send: vi.fn(), away: vi.fn() };
  render(<Page {...did} />);
  return did;
}

it("under an open menu nothing of the page is heard but stepping away", async () => {
  const did = show();
  await userEvent.click(screen.getByText("More"));
  const item = await screen.findByRole("menuitem", { name: "Hold" });
  fireEvent.keyDown(item, { key: "s", code: "KeyS" });
  fireEvent.keyDown(item, { key: "Enter", code: "Enter", ctrlKey: true });
  expect(did.run).not.toHaveBeenCalled();
  expect(did.send).not.toHaveBeenCalled();
  fireEvent.keyDown(item, { key: "0", code: "Digit0", altKey: true });
  expect(did.away).toHaveBeenCalledOnce();
});

it("in what lies over the page without covering it, neither", () => {
  const did = show();
  const over = document.body.appendChild(document.createElement("div"));
  over.setAttribute("role", "dialog");
  const button = over.appendChild(document.createElement("button"));
  fireEvent.keyDown(button, { key: "s", code: "KeyS" });
  expect(did.run).not.toHaveBeenCalled();
  fireEvent.keyDown(document.body, { key: "s", code: "KeyS" });
  expect(did.run).toHaveBeenCalledOnce();
  over.remove();
});

it("typing sends nothing but the chord", () => {
  const did = show();
  const field = screen.getByLabelText("Reason");
  fireEvent.keyDown(field, { key: "s", code: "KeyS" });
  expect(did.run).not.toHaveBeenCalled();
  fireEvent.keyDown(field, { key: "Enter", code: "Enter", ctrlKey: true });
  expect(did.send).toHaveBeenCalledOnce();
});
