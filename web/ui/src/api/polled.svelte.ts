/** What the server told last, asked again and again while somebody looks. */

import { ApiError } from "./client";

const AFTER_FAILURE_MS = 3_000;

export class Polled<T> {
  answer = $state.raw<T | null>(null);
  problem = $state.raw<ApiError | null>(null);

  constructor(
    private readonly ask: (signal: AbortSignal) => Promise<T>,
    private readonly everyMs: number,
  ) {}

  /** Begin to ask; what it gives ends it. */
  start(): () => void {
    const cancel = new AbortController();
    let timer: ReturnType<typeof setTimeout> | undefined;
    const again = async (): Promise<void> => {
      await this.#once(cancel.signal);
      if (!cancel.signal.aborted) timer = setTimeout(() => void again(), this.problem ? AFTER_FAILURE_MS : this.everyMs);
    };
    void again();
    return () => {
      cancel.abort();
      clearTimeout(timer);
    };
  }

  async #once(signal: AbortSignal): Promise<void> {
    try {
      this.answer = await this.ask(signal);
      this.problem = null;
    } catch (error) {
      if (!signal.aborted) this.problem = error instanceof ApiError ? error : new ApiError(0, String(error));
    }
  }
}
