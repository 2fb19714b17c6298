/** A track's pictures in order, both ways, without an end: asks the server for more of the sample table before it is needed. */

import { getSamples } from "../api/client";
import type { Source } from "../api/types";
import { MINUTE_US, SECOND_US } from "../time/units";
import { type Missing, type Place, SampleTable, shownUs } from "./table";

/** What is asked for at a time: some 10 kB each. */
const WINDOW_US = { samples: 12 * SECOND_US, "key-samples": 10 * MINUTE_US };
const BEFORE_US = { samples: 2 * SECOND_US, "key-samples": 5 * MINUTE_US };
const ASK_AGAIN_MS = 500; // at the end of what is being recorded: a fragment's length
const MOST_GROUPS = 6_000; // chosen: then the table begins anew

export class Roll {
  #table = new SampleTable();
  #asking = new Map<string, Promise<void>>();
  #cancel = new AbortController();
  #end = { at_us: 0, until_ms: 0 }; // nothing was behind this picture a moment ago

  constructor(
    readonly source: Source,
    readonly form: "samples" | "key-samples",
  ) {}

  /** The picture of an instant, null in a gap. */
  async at(atUs: number): Promise<Place | null> {
    await this.#cover(atUs);
    return this.#table.at(atUs);
  }

  /** The picture nearest to an instant, null in a gap; undefined: it must be asked for first. */
  near(atUs: number): Place | null | undefined {
    return this.#table.knows(atUs) ? this.#table.near(atUs) : undefined;
  }

  async nearest(atUs: number): Promise<Place | null> {
    await this.#cover(atUs);
    return this.#table.near(atUs);
  }

  /** The picture before or behind; null: there is none. */
  async beside(place: Place, direction: 1 | -1): Promise<Place | null> {
    const known = this.#table.beside(place, direction);
    if (known !== undefined) return known;
    await this.#more(place, direction);
    return this.#table.beside(place, direction) ?? null;
  }

  /** The same at once; undefined: it is being asked for. */
  peek(place: Place, direction: 1 | -1): Place | null | undefined {
    const known = this.#table.beside(place, direction);
    if (known !== undefined) return known;
    const ended = direction === 1 && this.#end.at_us === shownUs(place);
    if (!ended || performance.now() > this.#end.until_ms) this.#more(place, direction).catch(() => undefined);
    return ended ? null : undefined;
  }

  /** Have what follows the pictures told before they are wanted. */
  prepare(place: Place, direction: 1 | -1): void {
    const edge = shownUs(place) + direction * (WINDOW_US[this.form] / 3);
    if (!this.#table.knows(edge) && performance.now() > this.#end.until_ms) this.#more(place, direction).catch(() => undefined);
  }

  /** Why there is no picture at an instant. */
  hole(atUs: number): Missing {
    return this.#table.hole(atUs);
  }

  dispose(): void {
    this.#cancel.abort();
  }

  async #cover(atUs: number): Promise<void> {
    if (this.#table.knows(atUs) && this.#table.knows(atUs - 1)) return;
    if (this.#table.size > MOST_GROUPS) this.#table = new SampleTable();
    await this.#ask(atUs - BEFORE_US[this.form], atUs - BEFORE_US[this.form] + WINDOW_US[this.form]);
  }

  async #more(place: Place, direction: 1 | -1): Promise<void> {
    const [at, width] = [shownUs(place), WINDOW_US[this.form]];
    await (direction === 1 ? this.#ask(at, at + width) : this.#ask(at - width, at));
    if (direction === 1 && !this.#table.beside(place, 1)) this.#end = { at_us: at, until_ms: performance.now() + ASK_AGAIN_MS };
  }

  /** A window and, if it is empty, the footage beyond it. */
  #ask(fromUs: number, toUs: number): Promise<void> {
    const key = `${Math.round(fromUs)}-${Math.round(toUs)}`;
    let asked = this.#asking.get(key);
    if (!asked) {
      asked = this.#fetch(fromUs, toUs).finally(() => this.#asking.delete(key));
      this.#asking.set(key, asked);
    }
    return asked;
  }

  async #fetch(fromUs: number, toUs: number): Promise<void> {
    const [table, signal] = [this.#table, this.#cancel.signal];
    const get = (from: number, to: number) => getSamples(this.form, this.source, Math.max(0, from), to, signal);
    const answer = await get(fromUs, toUs);
    table.add(answer);
    const width = WINDOW_US[this.form];
    const ends = answer.chunks.flatMap((chunk) => chunk.samples.map((row) => row[2]));
    const [first, last] = [ends.reduce((a, b) => Math.min(a, b), Infinity), ends.reduce((a, b) => Math.max(a, b), -Infinity)];
    // Where the window ends in a gap, the footage beyond it is told too, so that one step leads across.
    if (answer.next_us !== null && (answer.next_us > toUs || last < fromUs)) table.add(await get(answer.next_us, answer.next_us + width));
    if (answer.previous_us !== null && (answer.previous_us < fromUs || first > toUs)) {
      table.add(await get(answer.previous_us - width, answer.previous_us));
    }
  }
}
