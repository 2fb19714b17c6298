/**
 * The pictures at hand: what was asked for is developed in the order of asking, and kept within a bound.
 *
 * A *portion* is what is developed at once: a group of pictures, or a part of one that is too big for the bound.
 */

import { type Darkroom, type Picture, Undecodable } from "./darkroom";
import { type Group, groupKey, type Place, shownUs } from "./table";

const AT_ONCE = 3; // portions under way: one is fetched while another is decoded
const TRY_AGAIN_MS = 1_000;

interface Portion {
  key: string;
  group: Group;
  from: number;
  to: number;
}

interface Shelf {
  pictures: Map<number, Picture>;
  bytes: number;
}

export interface Watcher {
  /** A portion has come. */
  changed(): void;
  failed(error: unknown): void;
}

export class Gallery {
  #shelves = new Map<string, Shelf>(); // the least recently used first
  #bytes = 0;
  #wanted: Portion[] = [];
  #working = new Map<string, { cancel: AbortController; short: boolean }>();
  #failed = new Map<string, number>(); // when it may be tried again
  #closed = false;

  /** `limitBytes`: of decoded pictures; what is wanted just now may exceed it a little. */
  constructor(
    private readonly darkroom: Darkroom,
    private readonly limitBytes: number,
    private readonly watcher: Watcher,
  ) {}

  /** The picture of a place if it is at hand. Do not close it. */
  ready(place: Place): Picture | null {
    const { key } = this.#portion(place);
    const shelf = this.#shelves.get(key);
    if (!shelf) return null;
    this.#shelves.delete(key);
    this.#shelves.set(key, shelf);
    return shelf.pictures.get(shownUs(place)) ?? null;
  }

  /** Whether a place was developed, even if its picture turned out damaged. */
  settled(place: Place): boolean {
    return this.#shelves.has(this.#portion(place).key);
  }

  /** Have these developed, the first first. What was wanted before is given up, but for single pictures that are under way. */
  want(places: readonly Place[]): void {
    const portions = places.map((place) => this.#portion(place));
    this.#wanted = portions.filter(({ key }, at) => portions.findIndex((one) => one.key === key) === at);
    for (const [key, { cancel, short }] of this.#working) {
      if (!short && !this.#wanted.some((one) => one.key === key)) cancel.abort();
    }
    this.#work();
  }

  /** The first place beyond the portion of a place, for asking ahead; null: it is in another group. */
  beyond(place: Place, direction: 1 | -1): Place | null {
    const { group, from, to } = this.#portion(place);
    const index = direction === 1 ? to : from - 1;
    return index >= 0 && index < group.shown.length ? { group, index } : null;
  }

  dispose(): void {
    this.#closed = true;
    for (const { cancel } of this.#working.values()) cancel.abort();
    for (const { pictures } of this.#shelves.values()) close(pictures);
    this.#shelves.clear();
    this.darkroom.dispose();
  }

  #portion({ group, index }: Place): Portion {
    const { width, height } = group.chunk;
    const most = this.darkroom.wholeGroups ? Math.max(8, Math.floor(this.limitBytes / 3 / (width * height * 1.5))) : 1;
    const from = Math.floor(index / most) * most;
    const to = Math.min(group.shown.length, from + most);
    return { key: `${groupKey(group)}/${from}`, group, from, to };
  }

  #work(): void {
    for (const portion of this.#wanted) {
      if (this.#closed || this.#working.size >= AT_ONCE) return;
      const { key } = portion;
      const resting = (this.#failed.get(key) ?? 0) > performance.now();
      if (!this.#shelves.has(key) && !this.#working.has(key) && !resting) void this.#develop(portion);
    }
  }

  async #develop({ key, group, from, to }: Portion): Promise<void> {
    const cancel = new AbortController();
    this.#working.set(key, { cancel, short: group.rows.length === 1 });
    try {
      this.#put(key, await this.darkroom.develop(group, from, to, cancel.signal));
    } catch (error) {
      if (!cancel.signal.aborted) this.#setAside(key, error);
    } finally {
      this.#working.delete(key);
      this.#work();
    }
  }

  #put(key: string, pictures: Map<number, Picture>): void {
    if (this.#closed) {
      close(pictures);
      return;
    }
    const bytes = [...pictures.values()].reduce((sum, picture) => sum + bytesOf(picture), 0);
    this.#shelves.set(key, { pictures, bytes });
    this.#bytes += bytes;
    this.#trim();
    this.watcher.changed();
  }

  /** Damaged bytes count as developed, or one broken group would stop everything. */
  #setAside(key: string, error: unknown): void {
    if (error instanceof Undecodable) this.#put(key, new Map());
    else {
      this.#failed.set(key, performance.now() + TRY_AGAIN_MS);
      setTimeout(() => this.#work(), TRY_AGAIN_MS + 50);
    }
    this.watcher.failed(error);
  }

  #trim(): void {
    for (const [key, shelf] of this.#shelves) {
      if (this.#bytes <= this.limitBytes) return;
      if (this.#wanted.some((one) => one.key === key)) continue;
      this.#shelves.delete(key);
      this.#bytes -= shelf.bytes;
      close(shelf.pictures);
    }
  }
}

function bytesOf(picture: Picture): number {
  if (picture instanceof ImageBitmap) return picture.width * picture.height * 4;
  return picture.codedWidth * picture.codedHeight * 1.5;
}

function close(pictures: Map<number, Picture>): void {
  for (const picture of pictures.values()) picture.close();
}
