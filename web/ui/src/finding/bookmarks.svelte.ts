/** The bookmarks of all cameras, as the server told them last. */

import { addBookmark, getBookmarks, removeBookmark } from "../api/client";
import type { Heard } from "../api/heard.svelte";
import { Polled } from "../api/polled.svelte";
import type { Bookmark } from "../api/types";
import { beside } from "./order";

const EVERY_MS = 15_000; // others make bookmarks as well

class Bookmarks {
  #told = new Polled((signal) => getBookmarks(signal), EVERY_MS);

  start(): () => void {
    return this.#told.start();
  }

  get loaded(): boolean {
    return this.#told.answer !== null;
  }

  get heard(): Heard {
    return this.#told.heard;
  }

  /** By instant. */
  get all(): readonly Bookmark[] {
    return this.#told.answer ?? [];
  }

  of(channel: number): Bookmark[] {
    return this.all.filter((one) => one.channel === channel);
  }

  /** The next one of a channel after an instant (1) or before it (−1). */
  beside(channel: number | null, atUs: number, direction: 1 | -1): Bookmark | null {
    return channel === null ? null : beside(this.of(channel), atUs, direction);
  }

  /** Raises ApiError. */
  async add(channel: number, atUs: number, note: string): Promise<void> {
    const made = await addBookmark(channel, atUs, note);
    this.#told.answer = [...this.all, made].sort((a, b) => a.at_us - b.at_us);
  }

  /** Raises ApiError. */
  async remove(one: Bookmark): Promise<void> {
    await removeBookmark(one.channel, one.number);
    this.#told.answer = this.all.filter((other) => other.number !== one.number);
  }
}

export const bookmarks = new Bookmarks();
