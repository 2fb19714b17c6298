/** The ledger as the server told it last, asked again every minute while somebody looks. */

import { ApiError, getCoverage } from "../api/client";
import type { Coverage } from "../api/types";

const EVERY_MS = 60_000;
const AFTER_FAILURE_MS = 3_000;
export const DAYS = 30;

class Ledger {
  answer = $state.raw<Coverage | null>(null);
  problem = $state.raw<ApiError | null>(null);

  start(): () => void {
    const cancel = new AbortController();
    let timer: ReturnType<typeof setTimeout> | undefined;
    const again = async (): Promise<void> => {
      await this.#ask(cancel.signal);
      if (!cancel.signal.aborted) timer = setTimeout(() => void again(), this.problem ? AFTER_FAILURE_MS : EVERY_MS);
    };
    void again();
    return () => {
      cancel.abort();
      clearTimeout(timer);
    };
  }

  async #ask(signal: AbortSignal): Promise<void> {
    try {
      this.answer = await getCoverage(DAYS, signal);
      this.problem = null;
    } catch (error) {
      if (!signal.aborted) this.problem = error instanceof ApiError ? error : new ApiError(0, String(error));
    }
  }
}

export const ledger = new Ledger();
