/** The one download that is under way, so that it goes on when its dialog is closed. */

import { ApiError, getAnswer } from "../api/client";
import { percentOf, pour, type Poured, remainingUs, type Sink } from "./pour";

interface Handle {
  createWritable(): Promise<Sink>;
}

type Picker = (options: { suggestedName: string; types: { accept: Record<string, string[]> }[] }) => Promise<Handle>;

const picker = (): Picker | undefined => (globalThis as { showSaveFilePicker?: Picker }).showSaveFilePicker;

export interface File {
  name: string;
  url: string;
  type: "video/mp4" | "application/zip";
}

/** `handed`: the browser's own list of downloads has it now, and shows how far it is. */
export type State = "idle" | "saving" | "done" | "failed" | "handed";

class Saving {
  state = $state<State>("idle");
  name = $state("");
  problem = $state("");
  progress = $state.raw<Poured>({ done: 0, total: null });
  remaining_us = $state<number | null>(null);
  #cancel: AbortController | null = null;

  get percent(): number {
    return percentOf(this.progress);
  }

  /** Ask where to, then save. Without such a question in this browser, its own download does it. */
  async start(file: File): Promise<void> {
    if (this.state === "saving") return;
    const ask = picker();
    if (!ask) return this.#hand(file);
    const ending = file.name.slice(file.name.lastIndexOf("."));
    let handle: Handle;
    try {
      handle = await ask({ suggestedName: file.name, types: [{ accept: { [file.type]: [ending] } }] });
    } catch (error) {
      if ((error as Error).name !== "AbortError") this.#hand(file); // a policy forbids the question
      return;
    }
    await this.#save(file, handle);
  }

  cancel(): void {
    this.#cancel?.abort();
  }

  /** What was said of the last one is read. */
  clear(): void {
    if (this.state !== "saving") this.state = "idle";
  }

  async #save(file: File, handle: Handle): Promise<void> {
    const cancel = (this.#cancel = new AbortController());
    const begun = performance.now();
    this.name = file.name;
    this.progress = { done: 0, total: null };
    this.remaining_us = null;
    this.state = "saving";
    try {
      const response = await getAnswer(file.url, cancel.signal);
      await pour(response, await handle.createWritable(), (progress) => {
        this.progress = progress;
        this.remaining_us = remainingUs(progress, performance.now() - begun);
      });
      this.state = "done";
    } catch (error) {
      this.state = cancel.signal.aborted ? "idle" : "failed";
      this.problem = error instanceof ApiError ? [error.message, error.hint].filter(Boolean).join(" – ") : String(error);
    }
  }

  #hand(file: File): void {
    const link = document.createElement("a");
    link.href = file.url;
    link.download = file.name;
    link.click();
    this.name = file.name;
    this.state = "handed";
  }
}

export const saving = new Saving();
