/** Whether what is shown can be believed: when the server was heard last, and what is the matter since. */

import { clock } from "../time/clock.svelte";
import { ApiError } from "./client";

export class Heard {
  /** The server's time of the last answer; null: it has not answered yet. */
  at_us = $state.raw<number | null>(null);
  /** Why the last question has no answer; null: it has one. */
  problem = $state.raw<ApiError | null>(null);
  #atMs = $state(0);

  /** @param silentMs what is shown is old when no answer came for so long, for whatever reason: a PC that slept asks nobody. */
  constructor(private readonly silentMs: number) {}

  /** The PC's own clock: unlike the page's it goes on while the PC sleeps. */
  readonly late: boolean = $derived(this.#isLate(clock.second_us));

  /** What is shown is of `at_us` and not of now. */
  readonly stale: boolean = $derived(this.at_us !== null && (this.problem !== null || this.late));

  answered(): void {
    this.at_us = clock.nowUs();
    this.#atMs = Date.now();
    this.problem = null;
  }

  failed(error: unknown): void {
    this.problem = error instanceof ApiError ? error : new ApiError(0, String(error));
  }

  #isLate(_second: number): boolean {
    return this.#atMs > 0 && Math.abs(Date.now() - this.#atMs) > this.silentMs;
  }
}
