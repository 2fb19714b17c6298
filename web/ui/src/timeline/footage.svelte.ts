/** The facts under the timeline: asked for what is in view and a little around it, kept fresh while now is in view. */

import { getTimeline } from "../api/client";
import { Heard } from "../api/heard.svelte";
import type { KindWord } from "../api/types";
import { clock } from "../time/clock.svelte";
import { DAY_US, MINUTE_US } from "../time/units";
import { type Coverage, coverage, NOTHING } from "./coverage";
import { type Viewport, width } from "./viewport";

const REFRESH_MS = 3_000;
const CLOSE_REFRESH_MS = 1_000; // where seconds are told apart
const CLOSE_US = 5 * MINUTE_US;
const SETTLE_MS = 120; // while a hand still moves the view nothing is asked
const WIDEST_US = 39 * DAY_US;

export class Footage {
  facts = $state.raw<Coverage>(NOTHING);
  /** The past does not change: it is only old when the last question failed. */
  readonly heard = new Heard(Infinity);
  #cancel = new AbortController();
  #timer: ReturnType<typeof setTimeout> | undefined;
  #askedAt = 0;

  constructor(
    readonly channel: number,
    readonly track: KindWord,
  ) {}

  /** Make sure that the view is covered and fresh. Call it as often as you like. */
  want(view: Viewport): void {
    const { from_us, to_us } = this.facts;
    const now = clock.nowUs();
    const covered = view.from_us >= from_us && Math.min(view.to_us, now) <= to_us;
    const often = width(view) < CLOSE_US ? CLOSE_REFRESH_MS : REFRESH_MS;
    const stale = view.to_us >= to_us - width(view) && performance.now() - this.#askedAt > often;
    if (covered && !stale) return;
    if (this.#timer) return;
    this.#timer = setTimeout(() => void this.#ask(view), covered ? 0 : SETTLE_MS);
  }

  dispose(): void {
    clearTimeout(this.#timer);
    this.#cancel.abort();
  }

  async #ask(view: Viewport): Promise<void> {
    this.#askedAt = performance.now();
    this.#cancel.abort();
    const { signal } = (this.#cancel = new AbortController());
    const around = Math.min(width(view), (WIDEST_US - width(view)) / 2);
    try {
      const answer = await getTimeline(this.channel, this.track, view.from_us - around, view.to_us + around, signal);
      // What was not yet recorded when it was asked is not known, whatever the window was.
      this.facts = { ...coverage(answer), to_us: Math.min(answer.to_us, answer.now_us) };
      this.heard.answered();
    } catch (error) {
      if (!signal.aborted) this.heard.failed(error);
    } finally {
      this.#timer = undefined;
    }
  }
}
