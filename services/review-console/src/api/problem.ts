/**
 * Whatever can go wrong with a request, as a type.
 *
 *     ApiProblem
 *     ├── a problem body of review-api: `kind` is the last part of its type
 *     └── nothing that can be read: `kind` is "offline" (no answer) or "unreadable"
 *
 * Guarantees: every request that does not give what was asked for rejects with an `ApiProblem`.
 */
import type { components } from "./schema";

type Body = components["schemas"]["Problem"];
type Declared = Body["type"] extends `/problems/${infer Kind}` ? Kind : never;
export type ProblemKind = Declared | "offline" | "unreadable";

export interface Fault {
  readonly pointer: string;
  readonly reason: string;
  readonly code: string;
  readonly params: Readonly<Record<string, string | number | boolean>>;
}

export class ApiProblem extends Error {
  override readonly name = "ApiProblem";
  readonly kind: ProblemKind;
  readonly status: number;
  readonly detail: string | null;
  readonly faults: readonly Fault[];
  readonly needs: readonly string[];
  readonly usedBy: readonly string[];
  readonly draftKept: boolean;
  /** Of a job that somebody else has: who, and until when. */
  readonly heldBy: Body["by"];
  readonly heldUntil: string | null;
  readonly requestId: string | null;
  /** Seconds the server asks to wait for; null where it does not say. */
  readonly retryAfter: number | null;

  constructor(kind: ProblemKind, status: number, body: Partial<Body> = {}, retryAfter: number | null = null) {
    super(body.detail ?? body.title ?? kind);
    this.kind = kind;
    this.status = status;
    this.detail = body.detail ?? null;
    this.faults = (body.errors ?? []).map((one) => ({ ...one, params: one.params ?? {} }));
    this.needs = body.needs ?? [];
    this.usedBy = body.usedBy ?? [];
    this.draftKept = body.draftKept ?? false;
    this.heldBy = body.by ?? null;
    this.heldUntil = body.expiresAt ?? null;
    this.requestId = body.requestId ?? null;
    this.retryAfter = retryAfter;
  }

  /** Whether the same request may succeed a little later, without anybody doing anything. */
  get passes(): boolean {
    return this.kind === "offline" || this.status === 503 || this.status === 502;
  }
}

export async function problemOf(response: Response): Promise<ApiProblem> {
  const wait = Number(response.headers.get("retry-after"));
  const retryAfter = Number.isFinite(wait) && wait > 0 ? wait : null;
  try {
    const body = (await response.clone().json()) as Partial<Body>;
    const kind = body.type?.split("/").at(-1);
    if (kind) return new ApiProblem(kind as ProblemKind, response.status, body, retryAfter);
  } catch {
    // Not from review-api: a proxy's page, or half an answer.
  }
  const kind = response.status === 503 || response.status === 502 ? "unavailable" : "unreadable";
  return new ApiProblem(kind, response.status, {}, retryAfter);
}

/** Any thrown value as a problem; a bug of ours stays what it is. */
export function asProblem(error: unknown): ApiProblem | null {
  return error instanceof ApiProblem ? error : null;
}
