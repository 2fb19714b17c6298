/** The pictures of one hour of one camera, fetched while somebody looks and let go when they look elsewhere. */

import { ApiError, getBlob, getThumbnails } from "../api/client";
import type { Source, Thumbnail } from "../api/types";
import { clock } from "../time/clock.svelte";
import { HOUR_US, MINUTE_US } from "../time/units";
import { loadAll, nearestFirst } from "./load";

export const COUNT = 12; // one picture every five minutes
const WIDTH = 240; // chosen: twice what a strip of twelve has room for at 1920, for sharp screens; some 8 kB each
const AGAIN_MS = 30_000; // the hour that goes on grows

export interface Cell {
  start_us: number;
  at_us: number | null; // of the picture; null: nothing was recorded in the cell
  src: string | null;
  failed: boolean;
}

/** The start of the hour that an instant lies in. Zones of half hours begin at half past, which is an hour as well. */
export function hourOf(atUs: number): number {
  return Math.floor(atUs / HOUR_US) * HOUR_US;
}

export class Shelf {
  cells = $state.raw<Cell[]>([]);
  problem = $state.raw<ApiError | null>(null);
  #cancel = new AbortController();
  #timer: ReturnType<typeof setTimeout> | undefined;
  #sources = new Map<string, string>();

  constructor(
    private readonly source: Source,
    readonly from_us: number,
    aroundUs: number,
  ) {
    void this.#look(aroundUs);
  }

  dispose(): void {
    this.#cancel.abort();
    clearTimeout(this.#timer);
    for (const src of this.#sources.values()) URL.revokeObjectURL(src);
  }

  async #look(aroundUs: number): Promise<void> {
    const signal = this.#cancel.signal;
    try {
      const answer = await getThumbnails(this.source, this.from_us, this.from_us + HOUR_US, COUNT, WIDTH, signal);
      this.problem = null;
      await this.#fill(answer.thumbnails, aroundUs);
    } catch (error) {
      if (signal.aborted) return;
      this.problem = error instanceof ApiError ? error : new ApiError(0, String(error));
    }
    const isGoingOn = clock.nowUs() < this.from_us + HOUR_US + MINUTE_US;
    if (!signal.aborted && (isGoingOn || this.problem)) this.#timer = setTimeout(() => void this.#look(aroundUs), AGAIN_MS);
  }

  async #fill(rows: Thumbnail[], aroundUs: number): Promise<void> {
    this.cells = rows.map(({ start_us, at_us, url }) => ({
      start_us,
      at_us,
      src: url === null ? null : (this.#sources.get(url) ?? null),
      failed: false,
    }));
    const wanted = rows.flatMap(({ start_us, at_us, url }) => (url === null || at_us === null || this.#sources.has(url) ? [] : [{ start_us, at_us, url }]));
    const startOf = new Map(wanted.map(({ start_us, url }) => [url, start_us]));
    const urls = nearestFirst(wanted, aroundUs).map(({ url }) => url);
    await loadAll(urls, getBlob, (url, picture) => this.#put(startOf.get(url)!, url, picture), this.#cancel.signal);
  }

  #put(startUs: number, url: string, picture: Blob | null): void {
    const src = picture && URL.createObjectURL(picture);
    if (src) this.#sources.set(url, src);
    this.cells = this.cells.map((cell) => (cell.start_us === startUs ? { ...cell, src, failed: !src } : cell));
  }
}

const KEPT = "nvr.thumbs";

class Strip {
  open = $state(localStorage.getItem(KEPT) === "open");

  toggle(): void {
    this.open = !this.open;
    localStorage.setItem(KEPT, this.open ? "open" : "closed");
  }
}

export const strip = new Strip();
