import { beforeEach, expect, it, vi } from "vitest";

import { queries } from "@/api/query";
import { answering } from "@/testing/api";

import { claimAhead, claimJob, extend, holderOf, takeAhead, type Claim } from "./claim";

const SOON = new Date(Date.now() + 60_000).toISOString();
const LATER = new Date(Date.now() + 600_000).toISOString();
const claim = (id: string, openedAt: string | null = SOON) => ({ job: { id, queueId: "q" }, lease: { token: `t-${id}`, expiresAt: SOON, openedAt } });

beforeEach(() => {
  queries.clear();
  takeAhead();
  vi.restoreAllMocks();
});

it("more time is known wherever the claim is", async () => {
  answering({ "POST /v1/jobs/{job_id}/claims": () => claim("a"), "POST /v1/jobs/{job_id}/lease/extend": () => ({ expiresAt: LATER, openedAt: SOON }) });
  await claimJob("a");
  await extend("a", "t-a");
  expect(queries.getQueryData<Claim>(["claim", "a"])?.lease.expiresAt).toBe(LATER);
  expect(queries.getQueryData<Claim[]>(["claims"])?.[0]?.lease.expiresAt).toBe(LATER);
});

it("a job that is asked for twice at once is claimed once, and both have the token that counts", async () => {
  let asked = 0;
  answering({ "POST /v1/jobs/{job_id}/claims": () => ({ ...claim("a"), lease: { ...claim("a").lease, token: `t${(asked += 1)}` } }) });
  const [one, other] = await Promise.all([claimJob("a"), claimJob("a")]);
  expect([one.lease.token, other.lease.token, asked]).toEqual(["t1", "t1", 1]);
  expect((await claimJob("a")).lease.token).toBe("t2");
});

it("what was claimed ahead goes back with a page that is loaded again or closed", async () => {
  const asked = answering({ "POST /v1/claims": () => claim("next", null), "DELETE /v1/jobs/{job_id}/lease": () => undefined });
  await claimAhead(["q"], () => undefined);
  window.dispatchEvent(new Event("pagehide"));
  await vi.waitFor(() => expect(asked.at(-1)?.what).toBe("DELETE /v1/jobs/{job_id}/lease"));
  expect(asked.at(-1)?.init).toMatchObject({ params: { path: { job_id: "next" }, header: { "X-Lease-Token": "t-next" } }, keepalive: true });
  expect(takeAhead()).toBeNull();
});

it("nobody is told that they themselves have a job, nor of a claim that is over", () => {
  const job = (reviewerId: string, expiresAt = LATER) => ({ lease: { reviewerId, expiresAt, reviewer: null } });
  const lease = claim("a").lease;
  expect(holderOf(job("ana"), null, "me", Date.now())?.reviewerId).toBe("ana");
  expect(holderOf(job("me"), null, "me", Date.now())).toBeNull();
  expect(holderOf(job("ana"), lease, "me", Date.now())).toBeNull();
  expect(holderOf(job("ana", SOON), null, "me", Date.parse(LATER))).toBeNull();
  expect(holderOf({ lease: null }, null, "me", Date.now())).toBeNull();
});
