import { fireEvent, render, screen, waitFor, within } from "@testing-library/react";
import userEvent from "@testing-library/user-event";
import { beforeEach, expect, it, vi } from "vitest";

import type { Schema } from "@/api/client";
import { ApiProblem } from "@/api/problem";
import { answering } from "@/testing/api";
import { Around, signedIn } from "@/testing/page";

import { bodyOf, NEW_PARAMETER, optionsOf, valuesOf, type Action } from "./action";
import { ActionPage } from "./action-page";

const { navigate, params } = vi.hoisted(() => ({ navigate: vi.fn(), params: { actionId: "a1" } }));
vi.mock("@tanstack/react-router", () => ({ Link: () => null, useBlocker: () => ({ status: "idle" }), useNavigate: () => navigate, getRouteApi: () => ({ useParams: () => params, useSearch: () => ({}) }) }));

const AT = new Date().toISOString();
const action = (revision: number, more: Partial<Action> = {}): Action => ({ id: "a1", name: "Remove", actionType: "CUSTOM_ACTION", description: "Takes it down.", appliesToAllItemsOfKind: ["CONTENT"], itemTypeIds: [], callbackUrl: "https://platform.example/remove", callbackUrlBody: null, callbackUrlHeaderNames: ["Authorization"], penalty: "HIGH", applyUserStrikes: false, reverseActionId: null, parameters: [], revision, updatedAt: AT, updatedBy: "u", updatedByPerson: { id: "u", name: "Leila Haddad", initials: "LH", active: true }, usedBy: [{ id: "r", kind: "rule", name: "Plain scams" }], usedByCount: 1, ...more });

const fill = (field: HTMLElement, value: string) => fireEvent.change(field, { target: { value } });

beforeEach(() => {
  vi.restoreAllMocks();
  navigate.mockClear();
  params.actionId = "a1";
  signedIn(["MANAGE_ORG"]);
});

it("a header that was not typed anew stays, one that was is replaced, one that was taken out goes", () => {
  const values = valuesOf(action(1, { callbackUrlHeaderNames: ["Authorization", "X-Old"] }));
  const [kept] = values.callbackUrlHeaders;
  expect(kept).toEqual({ name: "Authorization", value: "", isKept: true });
  const rows = [{ name: "Authorization", value: "", isKept: true }, { name: "X-New", value: "v", isKept: false }, { name: " ", value: "", isKept: false }];
  expect(bodyOf({ ...values, callbackUrlHeaders: rows }).callbackUrlHeaders).toEqual({ Authorization: null, "X-New": "v" });
});

it("a parameter is sent with the bounds of its kind alone, and choices as they were written", () => {
  expect(optionsOf("spam\n\n rude = Rude words \nx=a=b")).toEqual([{ value: "spam", label: "spam" }, { value: "rude", label: "Rude words" }, { value: "x", label: "a=b" }]);
  const values = { ...valuesOf(action(1)), parameters: [{ ...NEW_PARAMETER, name: "days", type: "NUMBER" as const, min: 1, max: "" as const, maxLength: 9, options: "left over" }] };
  expect(bodyOf(values).parameters).toEqual([{ name: "days", displayName: "days", type: "NUMBER", required: false, description: "", min: 1, max: null }]);
});

it("what was read and is sent back unchanged says the same", () => {
  const parameters: Schema["ParameterFields"][] = [{ name: "why", displayName: "Why", type: "SELECT", required: true, description: "", options: [{ value: "a", label: "A" }], defaultValue: "a" }];
  const body = bodyOf(valuesOf(action(1, { parameters, callbackUrlBody: { team: "x" } })));
  expect(body.parameters).toEqual(parameters);
  expect(body.callbackUrlBody).toEqual({ team: "x" });
});

it("a fault of the answer stands at its field, also within a parameter, which opens for it", async () => {
  answering({
    "GET /v1/actions/{document_id}": () => action(1, { parameters: [{ name: "days", displayName: "Days", type: "NUMBER" }] }),
    "PUT /v1/actions/{document_id}": () =>
      Promise.reject(
        new ApiProblem("invalid", 422, {
          errors: [
            { pointer: "/callbackUrl", reason: "leads inside", code: "invalid" },
            { pointer: "/parameters/0/name", reason: "is taken", code: "invalid" },
            { pointer: "/callbackUrlHeaders/Host", reason: "is not yours to set", code: "invalid" },
          ],
        }),
      ),
  });
  render(<ActionPage />, { wrapper: Around });
  fill(await screen.findByLabelText("About"), "Takes it down.!");
  await userEvent.click(screen.getByRole("button", { name: /Save/ }));
  expect(await screen.findByText("leads inside")).toBeVisible();
  expect(screen.getByText("is taken")).toBeVisible();
  expect(screen.getByText("is not yours to set")).toBeVisible();
  expect(screen.getByLabelText("About")).toHaveValue("Takes it down.!");
});

it("what somebody saved meanwhile is shown beside what is here, and is written over only when that is chosen", async () => {
  const stored = [action(3), action(4, { name: "Take down" })];
  const sent: unknown[] = [];
  answering({
    "GET /v1/actions/{document_id}": () => (stored.length > 1 ? stored.shift() : stored[0]),
    "PUT /v1/actions/{document_id}": ({ params, body }) => {
      sent.push([params?.header?.["If-Match"], (body as Schema["ActionBody"]).description]);
      return params?.header?.["If-Match"] === '"3"' ? Promise.reject(new ApiProblem("revision-mismatch", 412)) : action(5, { description: "Mine" });
    },
  });
  render(<ActionPage />, { wrapper: Around });
  const about = await screen.findByLabelText("About");
  fill(about, "Mine");
  await userEvent.click(screen.getByRole("button", { name: /Save/ }));
  const clash = await screen.findByRole("alert");
  expect(clash).toHaveTextContent(/Leila Haddad saved another version/);
  expect(clash).toHaveTextContent(/Take down/);
  await userEvent.click(within(clash).getByRole("button", { name: "Go on with mine" }));
  await userEvent.click(screen.getByRole("button", { name: /^Save/ }));
  await waitFor(() => expect(sent).toEqual([['"3"', "Mine"], ['"4"', "Mine"]]));
  await waitFor(() => expect(screen.queryByText(/saved another version/)).toBeNull());
});

it("theirs can be taken instead: what was entered goes, and nothing is sent", async () => {
  const stored = [action(3), action(4, { description: "Theirs" })];
  const asked = answering({
    "GET /v1/actions/{document_id}": () => (stored.length > 1 ? stored.shift() : stored[0]),
    "PUT /v1/actions/{document_id}": () => Promise.reject(new ApiProblem("revision-mismatch", 412)),
  });
  render(<ActionPage />, { wrapper: Around });
  fill(await screen.findByLabelText("About"), "Takes it down.!");
  await userEvent.click(screen.getByRole("button", { name: /Save/ }));
  await userEvent.click(await screen.findByRole("button", { name: "Take theirs" }));
  expect(screen.getByLabelText("About")).toHaveValue("Theirs");
  expect(asked.filter(({ what }) => what.startsWith("PUT"))).toHaveLength(1);
});

it("a secret that was typed is not shown again once it is saved, and stays with the next change", async () => {
  const sent: unknown[] = [];
  answering({
    "GET /v1/actions/{document_id}": () => action(1, { callbackUrlHeaderNames: [] }),
    "PUT /v1/actions/{document_id}": ({ body }) => {
      sent.push((body as Schema["ActionBody"]).callbackUrlHeaders);
      return action(2, { callbackUrlHeaderNames: ["X-Key"] });
    },
  });
  render(<ActionPage />, { wrapper: Around });
  await userEvent.click(await screen.findByRole("button", { name: "Header" }));
  fill(screen.getByLabelText("Header 1"), "X-Key");
  fill(screen.getByLabelText("Value of X-Key"), "s3cret");
  await userEvent.click(screen.getByRole("button", { name: /^Save/ }));
  expect(await screen.findByRole("button", { name: "Saved" })).toBeVisible();
  expect(screen.getByLabelText("Value of X-Key")).toHaveValue("");
  fill(screen.getByLabelText("About"), "More");
  await userEvent.click(screen.getByRole("button", { name: /^Save/ }));
  await waitFor(() => expect(sent).toEqual([{ "X-Key": "s3cret" }, { "X-Key": null }]));
});

it("what is used is not removed: what uses it is named", async () => {
  answering({ "GET /v1/actions/{document_id}": () => action(1) });
  render(<ActionPage />, { wrapper: Around });
  await userEvent.click(await screen.findByRole("button", { name: "Remove…" }));
  const dialog = await screen.findByRole("dialog");
  expect(within(dialog).getByText("Plain scams")).toBeVisible();
  expect(within(dialog).queryByRole("button", { name: "Remove" })).toBeNull();
});

it("a test shows what was sent and what came back; what was not saved is not tested", async () => {
  answering({
    "GET /v1/actions/{document_id}": () => action(1, { parameters: [{ name: "days", displayName: "Days", type: "NUMBER", defaultValue: 7 }] }),
    "POST /v1/actions/{action_id}/test-requests": ({ body }) => ({ id: "t", endpoint: "https://platform.example", body: JSON.stringify({ trial: true, ...(body as Schema["TestRequestBody"]).parameters }), status: 503, latencyMs: 61, headers: [{ name: "retry-after", value: "9" }], response: "maintenance", error: null, refused: false }),
  });
  render(<ActionPage />, { wrapper: Around });
  await userEvent.click(await screen.findByRole("button", { name: /^Send/ }));
  expect(await screen.findByText("503 in 61 ms")).toBeVisible();
  expect(screen.getByRole("region", { name: "Sent" })).toHaveTextContent(/"days": 7/);
  expect(screen.getByRole("region", { name: "Answer" })).toHaveTextContent(/retry-after: 9.*maintenance/s);
  fill(screen.getByLabelText("About"), "Takes it down.!");
  expect(screen.getByText(/save first/)).toBeVisible();
});

it("a new one leads to its page once it is there", async () => {
  params.actionId = "new";
  answering({ "POST /v1/actions": ({ body }) => action(1, { id: "a9", name: (body as Schema["ActionBody"]).name }) });
  render(<ActionPage />, { wrapper: Around });
  await userEvent.click(await screen.findByRole("button", { name: /Create/ }));
  expect(await screen.findByText("It needs a name")).toBeVisible();
  expect(screen.getByText("It needs an address")).toBeVisible();
  fill(screen.getByLabelText("Name"), "Hide");
  fill(screen.getByLabelText("Address"), "https://platform.example/hide");
  await userEvent.click(screen.getByRole("button", { name: /Create/ }));
  await waitFor(() => expect(navigate).toHaveBeenCalledWith(expect.objectContaining({ params: { actionId: "a9" }, ignoreBlocker: true })));
});
