/**
 * review-api as a test has it: each request is answered by its line of a table, an unknown list is
 * empty, and whatever else is not in the table is a fault of the test.
 */
import { vi } from "vitest";

import { api } from "@/api/client";

export interface Init {
  readonly params?: { readonly path?: Readonly<Record<string, string>>; readonly query?: Readonly<Record<string, unknown>>; readonly header?: Readonly<Record<string, string>> };
  readonly body?: unknown;
  readonly keepalive?: boolean;
}

export interface Asked {
  readonly what: string;
  readonly init: Init;
}

/** `"POST /v1/jobs/{job_id}/skip": (init) => …`; what a line gives is the body, a rejection the refusal. */
export function answering(table: Readonly<Record<string, (init: Init) => unknown>>): Asked[] {
  const asked: Asked[] = [];
  for (const method of ["GET", "POST", "PUT", "PATCH", "DELETE"] as const) {
    const answer = async (path: string, init: Init = {}) => {
      const what = `${method} ${path}`;
      asked.push({ what, init });
      const line = table[what];
      if (!line && method !== "GET") throw new Error(`no answer for ${what}`);
      const data = line ? await line(init) : { items: [] };
      return { data, response: new Response(null, { status: data === undefined ? 204 : 200 }) };
    };
    vi.spyOn(api, method).mockImplementation(answer as never);
  }
  return asked;
}

/** A promise that the test settles. */
export function later<T>(): { promise: Promise<T>; give: (value: T) => void; refuse: (error: unknown) => void } {
  let give: (value: T) => void = () => undefined;
  let refuse: (error: unknown) => void = () => undefined;
  const promise = new Promise<T>((resolve, reject) => {
    give = resolve;
    refuse = reject;
  });
  return { promise, give, refuse };
}
