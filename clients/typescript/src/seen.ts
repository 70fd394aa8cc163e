// Which webhooks were taken already: Coop sends one until it hears that it was taken.
//
//     (unknown) ──claim──▶ claimed ──done──▶ done           claimed again: it was done
//                            │ └─release──▶ (unknown)       it failed, and will come again
//                            └─ claim is over ─▶ (unknown)  whoever had it died
//
// Guarantees of `MemorySeen`: it holds `limit` ids at most, each as long as Coop may send it.
// Must not: be in memory where more than one process receives, or where what is done twice hurts:
// give a `Seen` on your database then, best in the transaction that does what the webhook says.

/** NEW: it is yours, `done` or `release` it. BUSY: somebody has it now. DONE: nothing is left to do. */
export type Claim = "NEW" | "BUSY" | "DONE";

/** The ids of webhooks that were taken. */
export interface Seen {
  /** Whoever gets NEW has it to themselves. */
  claim(webhookId: string): Promise<Claim> | Claim;
  /** It was done. */
  done(webhookId: string): Promise<void> | void;
  /** It failed: the next claim gets NEW. */
  release(webhookId: string): Promise<void> | void;
}

/** A `Seen` of this process. */
export class MemorySeen implements Seen {
  readonly #limit: number;
  readonly #kept: number;
  readonly #claimed: number;
  readonly #now: () => number;
  readonly #until = new Map<string, readonly [Claim, number]>();

  /** In seconds: Coop's last attempt comes a little more than three days after the first. */
  constructor({ limit = 100_000, kept = 5 * 24 * 3600, claimed = 60, now = () => performance.now() } = {}) {
    this.#limit = limit;
    this.#kept = kept * 1000;
    this.#claimed = claimed * 1000;
    this.#now = now;
  }

  get size(): number {
    return this.#until.size;
  }

  claim(webhookId: string): Claim {
    const known = this.#until.get(webhookId);
    if (known !== undefined && known[1] > this.#now()) return known[0];
    this.#set(webhookId, "BUSY", this.#claimed);
    return "NEW";
  }

  done(webhookId: string): void {
    this.#set(webhookId, "DONE", this.#kept);
  }

  release(webhookId: string): void {
    this.#until.delete(webhookId);
  }

  #set(webhookId: string, claim: Claim, kept: number): void {
    this.#until.delete(webhookId);
    this.#until.set(webhookId, [claim, this.#now() + kept]);
    for (const oldest of this.#until.keys()) {
      if (this.#until.size <= this.#limit) break;
      this.#until.delete(oldest);
    }
  }
}
