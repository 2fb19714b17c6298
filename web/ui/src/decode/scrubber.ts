/**
 * Follows a pointer along the timeline: the latest place wins. Where it moves fast, with the nearest sync sample; where it moves
 * within a group of pictures, with the exact picture, because the group is decoded once and stays at hand.
 */

import type { Picture } from "./darkroom";
import type { Gallery } from "./gallery";
import type { Roll } from "./roll";
import { type Place, shownUs } from "./table";

export interface ScrubReport {
  show(place: Place, picture: Picture): void;
  hole(atUs: number): void;
  failed(error: unknown): void;
}

const AROUND = 2; // pictures prefetched in the direction of the hand, and one behind

export class Scrubber {
  #at_us: number | null = null;
  #before_us = 0;
  #target: Place | null = null;
  #coming: Place | null = null; // asked for before the pointer moved on, and still on its way
  #asking = false;
  #key_us: number | null = null; // of the nearest sync sample of before

  /** `keys`: a roll of sync samples; `all`: of all samples. */
  constructor(
    private readonly keys: Roll,
    private readonly all: Roll,
    private readonly gallery: Gallery,
    private readonly report: ScrubReport,
  ) {}

  get moving(): boolean {
    return this.#at_us !== null;
  }

  to(atUs: number): void {
    this.#before_us = this.#at_us ?? atUs;
    this.#at_us = atUs;
    if (!this.#asking) void this.#follow();
  }

  stop(): void {
    this.#at_us = this.#target = this.#coming = this.#key_us = null;
  }

  /** Something was developed. */
  changed(): void {
    for (const place of [this.#target, this.#coming]) {
      const picture = place && this.gallery.ready(place);
      if (!picture) continue;
      if (place === this.#target) this.#target = null;
      this.#coming = null;
      this.report.show(place, picture);
      return;
    }
  }

  /** While the table of a far place is asked for, the pointer moves on: then the newest place counts. */
  async #follow(): Promise<void> {
    this.#asking = true;
    try {
      let done: number | null = null;
      while (this.#at_us !== null && this.#at_us !== done) {
        done = this.#at_us;
        this.#aim(await this.#placeFor(done), done);
      }
    } catch (error) {
      this.report.failed(error);
    } finally {
      this.#asking = false;
    }
  }

  async #placeFor(atUs: number): Promise<Place | null> {
    const known = this.keys.near(atUs);
    const key = known === undefined ? await this.keys.nearest(atUs) : known;
    const slow = key !== null && this.#key_us === shownUs(key);
    this.#key_us = key && shownUs(key);
    return slow ? ((await this.all.at(atUs)) ?? key) : key;
  }

  #aim(place: Place | null, atUs: number): void {
    if (this.#at_us === null) return;
    if (!place) {
      this.#target = this.#coming = null;
      this.report.hole(atUs);
      return;
    }
    if (this.#target) this.#coming = this.#target;
    this.#target = place;
    this.gallery.want([place, ...(this.#coming ? [this.#coming] : []), ...this.#around(place)]);
    this.changed();
  }

  #around(place: Place): Place[] {
    if (place.group.rows.length > 1) return [];
    const forward = (this.#at_us ?? 0) >= this.#before_us;
    const places: Place[] = [];
    for (const [direction, count] of [[forward ? 1 : -1, AROUND], [forward ? -1 : 1, 1]] as const) {
      let here: Place | null | undefined = place;
      for (let n = 0; n < count && here; n++) {
        here = this.keys.peek(here, direction);
        if (here && Math.abs(shownUs(here) - shownUs(place)) < 60_000_000) places.push(here);
      }
    }
    return places;
  }
}
