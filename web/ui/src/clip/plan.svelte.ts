/** What a clip of the chosen cameras would hold, asked again whenever the choice changes. */

import { ApiError, getClipPlan, type Sources } from "../api/client";
import type { ClipSet } from "../api/types";
import { HOUR_US } from "../time/units";

export const LONGEST_SET_US = 16 * 24 * HOUR_US; // the server's limit, all cameras together
const PAUSE_MS = 150; // who ticks several boxes is answered once

export class Plan {
  answer = $state.raw<ClipSet | null>(null);
  problem = $state.raw<ApiError | null>(null);

  /** Ask; what it gives takes the question back. */
  ask(channels: readonly number[], of: Sources, fromUs: number, toUs: number): () => void {
    const cancel = new AbortController();
    this.answer = null;
    this.problem = null;
    const timer = setTimeout(() => void this.#ask(channels, of, fromUs, toUs, cancel.signal), PAUSE_MS);
    return () => {
      clearTimeout(timer);
      cancel.abort();
    };
  }

  async #ask(channels: readonly number[], of: Sources, fromUs: number, toUs: number, signal: AbortSignal): Promise<void> {
    try {
      this.answer = await getClipPlan(channels, of, fromUs, toUs, signal);
    } catch (error) {
      if (!signal.aborted) this.problem = error instanceof ApiError ? error : new ApiError(0, String(error));
    }
  }
}
