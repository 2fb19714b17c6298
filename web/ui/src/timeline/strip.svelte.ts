/** What moved before the camera that is shown, as fine as the view; and its single pictures where they are told apart. */

import { ApiError, getActivity, getSamples } from "../api/client";
import type { Source } from "../api/types";
import { busyBeside } from "../overview/cells";
import { Shelf } from "../overview/shelf.svelte";
import { clock } from "../time/clock.svelte";
import { MINUTE_US, SECOND_US } from "../time/units";
import type { Strip } from "./draw";
import { type Viewport, width } from "./viewport";

const BY_SECOND_US = 30 * MINUTE_US; // narrower views are told second by second
const LONGEST_US = 60 * MINUTE_US; // of one question, from the server
const PICTURES_US = 6 * SECOND_US; // narrower views show where each picture begins
const AGAIN_MS = 10_000;

export class Moved {
  #seconds = $state.raw<Strip | null>(null);
  /** When the pictures of a narrow view begin. */
  pictures_us = $state.raw<readonly number[]>([]);
  readonly #shelf: Shelf;
  #cancel = new AbortController();
  #asking = false;
  #askedAt = 0;
  #looked: Viewport | null = null;

  constructor(readonly source: Source) {
    this.#shelf = new Shelf(source.track, source.channel);
  }

  /** The finest that is known of a view. */
  strip(view: Viewport): Strip | null {
    const seconds = this.#seconds;
    if (seconds && width(view) <= BY_SECOND_US && seconds.from_us <= view.from_us && seconds.to_us >= Math.min(view.to_us, clock.nowUs() - MINUTE_US)) {
      return seconds;
    }
    const cells = this.#shelf.best(view);
    const row = cells?.rows.get(this.source.channel);
    return cells && row ? { from_us: cells.from_us, to_us: cells.to_us, levels: row.activity } : null;
  }

  /** Call it as often as you like. */
  want(view: Viewport, pixels: number): void {
    if (width(view) > BY_SECOND_US) this.#shelf.want(view, pixels);
    else this.#wantSeconds(view);
    if (width(view) <= PICTURES_US) void this.#wantPictures(view);
    else if (this.pictures_us.length) this.pictures_us = [];
  }

  /** Where much moves next (1) or moved before (−1); null: nothing is known of it. */
  beside(view: Viewport, atUs: number, direction: 1 | -1): number | null {
    const cells = this.#shelf.best(view) ?? this.#shelf.answers[0] ?? null;
    return cells && busyBeside(cells, this.source.channel, atUs, direction);
  }

  dispose(): void {
    this.#cancel.abort();
    this.#shelf.dispose();
  }

  #wantSeconds(view: Viewport): void {
    this.#shelf.want({ from_us: view.from_us - LONGEST_US, to_us: view.to_us + LONGEST_US }, 600); // to jump from stretch to stretch
    const known = this.#seconds;
    const covered = known !== null && known.from_us <= view.from_us && known.to_us >= Math.min(view.to_us, clock.nowUs() - MINUTE_US);
    const stale = performance.now() - this.#askedAt > AGAIN_MS && view.to_us > (known?.to_us ?? 0) - MINUTE_US;
    if (this.#asking || (covered && !stale)) return;
    this.#asking = true;
    this.#askedAt = performance.now();
    const around = Math.min(width(view) / 2, (LONGEST_US - width(view)) / 2 - SECOND_US);
    void this.#askSeconds(Math.floor(view.from_us - around), Math.ceil(view.to_us + around));
  }

  async #askSeconds(fromUs: number, toUs: number): Promise<void> {
    try {
      const answer = await getActivity(this.source.channel, this.source.track, fromUs, toUs, this.#cancel.signal);
      const levels = Uint8Array.from(atob(answer.activity), (letter) => letter.charCodeAt(0));
      this.#seconds = { from_us: answer.start_us, to_us: answer.start_us + levels.length * answer.step_us, levels };
    } catch (error) {
      if (!(error instanceof ApiError || this.#cancel.signal.aborted)) throw error; // the strip is a help: without it all else works
    } finally {
      this.#asking = false;
    }
  }

  async #wantPictures(view: Viewport): Promise<void> {
    const seen = this.#looked;
    if (seen && seen.from_us <= view.from_us && seen.to_us >= view.to_us) return;
    const looked = { from_us: Math.floor(view.from_us - width(view)), to_us: Math.ceil(view.to_us + width(view)) };
    this.#looked = looked;
    try {
      const answer = await getSamples("samples", this.source, looked.from_us, looked.to_us, this.#cancel.signal);
      const shown = answer.chunks.flatMap((chunk) => chunk.samples.map((sample) => sample[2]));
      this.pictures_us = shown.sort((a, b) => a - b);
    } catch (error) {
      this.#looked = null;
      if (!(error instanceof ApiError || this.#cancel.signal.aborted)) throw error;
    }
  }
}
