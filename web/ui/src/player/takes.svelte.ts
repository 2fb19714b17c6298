/** Time that was recorded more than once, because the server's clock was set back: how often, and which of it is seen. */

import { m } from "../paraglide/messages";
import { clock } from "../time/clock.svelte";
import { type Coverage, placeAt, takesAt } from "../timeline/coverage";
import { timeline } from "../timeline/timeline.svelte";
import { viewer } from "./viewer.svelte";

class Takes {
  readonly #facts = $derived<Coverage | null>(
    viewer.mode === "past" && timeline.footage?.channel === viewer.channel?.number ? (timeline.footage?.facts ?? null) : null,
  );
  /** Of the instant that is shown; 1 almost always. */
  readonly count = $derived(this.#facts ? takesAt(this.#facts, viewer.cursor_us) : 1);
  /** From 1. */
  readonly shown = $derived(Math.min(viewer.take ?? this.count, this.count));
  /** What is shown is not the last one. */
  readonly earlier = $derived(this.shown < this.count);

  /** Of an instant without footage of the chosen take: whether there is some of another one. */
  isElsewhere(atUs: number): boolean {
    return viewer.take !== null && this.#facts !== null && placeAt(this.#facts, atUs, clock.second_us).kind === "recorded";
  }

  /** What is to be said of a picture that is taken away; empty: its time was recorded once. */
  get words(): string {
    return this.count > 1 ? `${often(this.count)}: ${takeWords(this.shown, this.count)}` : "";
  }

  choose(take: number): void {
    viewer.setTake(take < this.count ? take : null);
  }
}

export function often(count: number): string {
  return count === 2 ? m.take_twice() : m.take_often({ count });
}

export function takeWords(take: number, count: number): string {
  if (take === 1) return m.take_first();
  return count === 2 ? m.take_second() : m.take_number({ number: take });
}

export const takes = new Takes();
