/** What the server told last, asked again and again while somebody looks. */

import { Heard } from "./heard.svelte";

const AFTER_FAILURE_MS = 3_000;
const LATE_MS = 35_000; // longer than the longest wait for an answer

export class Polled<T> {
  answer = $state.raw<T | null>(null);
  readonly heard: Heard;

  constructor(
    private readonly ask: (signal: AbortSignal) => Promise<T>,
    private readonly everyMs: number,
  ) {
    this.heard = new Heard(everyMs + LATE_MS);
  }

  /** Begin to ask; what it gives ends it. */
  start(): () => void {
    const cancel = new AbortController();
    let timer: ReturnType<typeof setTimeout> | undefined;
    const again = async (): Promise<void> => {
      await this.#once(cancel.signal);
      if (!cancel.signal.aborted) timer = setTimeout(() => void again(), this.heard.problem ? AFTER_FAILURE_MS : this.everyMs);
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
      this.heard.answered();
    } catch (error) {
      if (!signal.aborted) this.heard.failed(error);
    }
  }
}
