/** Which bookmarks are meant: by words, or by going from one to the next. Pure. */

import type { Bookmark } from "../api/types";
import { plain } from "../channels/order";
import { SECOND_US } from "../time/units";

const HERE_US = SECOND_US / 2; // chosen: who stands on a bookmark wants the next one

/** The nearest after an instant (1) or before it (−1); the one that stands at it is passed by. */
export function beside(sorted: readonly Bookmark[], atUs: number, direction: 1 | -1): Bookmark | null {
  if (direction === 1) return sorted.find((one) => one.at_us > atUs + HERE_US) ?? null;
  return sorted.findLast((one) => one.at_us < atUs - HERE_US) ?? null;
}

/** Those whose note, camera or number holds every word, marks over Vietnamese letters left aside; newest first. */
export function matching(all: readonly Bookmark[], words: string, cameraName: (channel: number) => string): Bookmark[] {
  const wanted = plain(words).split(/\s+/).filter(Boolean);
  const fits = (one: Bookmark): boolean => {
    const text = plain(`${one.channel} ${cameraName(one.channel)} ${one.note}`);
    return wanted.every((word) => text.includes(word));
  };
  return all.filter(fits).reverse();
}
