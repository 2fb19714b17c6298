/** Answers of the server, kept as long as they are of use: what is drawn now is never waited for if something like it is known. */

import { getOverview } from "../api/client";
import { Heard } from "../api/heard.svelte";
import type { KindWord } from "../api/types";
import { clock } from "../time/clock.svelte";
import { DAY_US, SECOND_US } from "../time/units";
import { type Viewport, width } from "../timeline/viewport";
import { type Cells, cellsOf, cellWidthUs } from "./cells";

const CELLS = 2000; // of one answer: as many as the server gives
const AROUND = 0.5; // asked for on each side of the view, so that moving it finds something there
const KEPT = 12;
const SETTLE_MS = 60;
const REFRESH_MS = 5_000;
const WIDEST_US = 40 * DAY_US;

export class Shelf {
  /** Newest first. */
  answers = $state.raw<readonly Cells[]>([]);
  readonly heard = new Heard(Infinity);
  #cancel = new AbortController();
  #timer: ReturnType<typeof setTimeout> | undefined;
  #askedAt = 0;

  /** Of one camera, or with null of all. */
  constructor(
    readonly track: KindWord,
    readonly channel: number | null = null,
  ) {}

  /** The finest that covers the whole view, else the finest that covers some of it. */
  best(view: Viewport): Cells | null {
    const overlapping = this.answers.filter((one) => one.from_us < view.to_us && one.to_us > view.from_us);
    const covering = overlapping.filter((one) => covers(one, view));
    const finest = (of: readonly Cells[]): Cells | null =>
      of.reduce<Cells | null>((best, one) => (best && cellWidthUs(best) <= cellWidthUs(one) ? best : one), null);
    return finest(covering) ?? finest(overlapping);
  }

  /** Make sure that the view is known finely enough and is fresh. Call it as often as you like. */
  want(view: Viewport, pixels: number): void {
    if (this.#timer || pixels === 0) return;
    const best = this.best(view);
    const fine = best !== null && covers(best, view) && cellWidthUs(best) <= (1.6 * width(view)) / pixels;
    const present = view.to_us > (best?.now_us ?? 0) - 2 * SECOND_US;
    if (fine && !(present && performance.now() - this.#askedAt > REFRESH_MS)) return;
    this.#timer = setTimeout(() => void this.#ask(view), fine ? 0 : SETTLE_MS);
  }

  dispose(): void {
    clearTimeout(this.#timer);
    this.#cancel.abort();
  }

  async #ask(view: Viewport): Promise<void> {
    this.#askedAt = performance.now();
    const { signal } = this.#cancel;
    const around = Math.min(AROUND * width(view), (WIDEST_US - width(view)) / 2);
    const [from, to] = [Math.floor(view.from_us - around), Math.ceil(view.to_us + around)];
    try {
      const answer = cellsOf(await getOverview(from, to, CELLS, this.track, this.channel, signal));
      // A newer answer of about the same window takes the place of the older one.
      const others = this.answers.filter((one) => !(covers(answer, one) && cellWidthUs(answer) <= 1.05 * cellWidthUs(one)));
      this.answers = [answer, ...others].slice(0, KEPT);
      this.heard.answered();
    } catch (error) {
      if (!signal.aborted) this.heard.failed(error);
    } finally {
      this.#timer = undefined;
    }
  }
}

/** Whether an answer tells all that can be known of a view: what is later than now cannot. */
function covers(cells: { from_us: number; to_us: number; now_us?: number }, view: Viewport): boolean {
  return cells.from_us <= view.from_us && cells.to_us >= Math.min(view.to_us, Math.max(cells.to_us, clock.nowUs()));
}
