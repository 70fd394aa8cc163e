import { MantineProvider, TextInput } from "@mantine/core";
import { render, screen } from "@testing-library/react";
import userEvent from "@testing-library/user-event";
import { expect, it, vi } from "vitest";
import { z } from "zod/mini";

import { ApiProblem } from "@/api/problem";

import { FormProblem } from "./form-problem";
import { pathOf, useProblemForm } from "./use-problem-form";

function Form({ send }: { send: (values: { name: string }) => Promise<unknown> }) {
  const { input, problem, submit } = useProblemForm({ schema: z.object({ name: z.string().check(z.minLength(2, { error: "two at least" })) }), initialValues: { name: "" }, send });
  return (
    <MantineProvider env="test">
      <form onSubmit={submit}>
        <FormProblem problem={problem} />
        <TextInput {...input("name")} label="Name" />
        <button type="submit">Save</button>
      </form>
    </MantineProvider>
  );
}

const refusal = (pointer: string) => new ApiProblem("invalid", 422, { detail: "no", errors: [{ pointer, reason: "is taken", code: "taken" }] });

it("reads a JSON pointer as a path", () => {
  expect(pathOf("/fields/0/a~1b")).toBe("fields.0.a/b");
  expect(pathOf("#/query/limit")).toBe("query.limit");
});

it("sends nothing that is wrong already here", async () => {
  const send = vi.fn();
  render(<Form send={send} />);
  await userEvent.click(screen.getByText("Save"));
  expect(await screen.findByText("two at least")).toBeVisible();
  expect(send).not.toHaveBeenCalled();
});

it("puts the fault of an answer on its field, and keeps what was entered", async () => {
  render(<Form send={() => Promise.reject(refusal("/name"))} />);
  await userEvent.type(screen.getByLabelText("Name"), "Spam");
  await userEvent.click(screen.getByText("Save"));
  expect(await screen.findByText("is taken")).toBeVisible();
  expect(screen.getByLabelText("Name")).toHaveValue("Spam");
  expect(screen.queryByRole("alert")).toBeNull();
});

it("says above the form what belongs to no field", async () => {
  render(<Form send={() => Promise.reject(refusal("/elsewhere"))} />);
  await userEvent.type(screen.getByLabelText("Name"), "Spam");
  await userEvent.click(screen.getByText("Save"));
  expect(await screen.findByRole("alert")).toHaveTextContent("Something that was entered cannot be taken. No.");
});
