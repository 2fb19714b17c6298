/** Which pictures are due when playing, and which must be made ready for it. Pure but for asking the roll for more. */

import { HOLE_US } from "../timeline/coverage";
import type { Gallery } from "./gallery";
import type { Roll } from "./roll";
import { type Place, shownUs } from "./table";

export type Direction = 1 | -1;

/** How far the pictures have come. */
export interface Progress {
  /** The picture to show now; null: the one that is shown stands on. */
  show: Place | null;
  /** The last place that is due, ready or not. */
  reached: Place;
  /** The next picture is not ready: when it was due. */
  late_us: number | null;
  /** There is no next picture. */
  end: boolean;
  /** Footage is missing before the next picture. */
  hole: Hole | null;
}

export interface Hole {
  from_us: number;
  to_us: number;
  /** The picture on the other side. */
  next: Place;
}

const PORTIONS_AHEAD = 2; // with the shown one they are the gallery's three
const KEYS_AHEAD = 6;
const MOST_STEPS = 400;

/** Whether footage is missing between two neighbours. */
export function holeBetween(earlier: Place, later: Place): boolean {
  return earlier.group.chunk !== later.group.chunk && later.group.chunk.start_us - earlier.group.chunk.end_us >= HOLE_US;
}

/**
 * Walk from the shown picture to the one that is due at `dueUs`.
 *
 * `every`: no further than one picture, so that none is left out.
 */
export function march(roll: Roll, gallery: Gallery, from: Place, direction: Direction, dueUs: number, every: boolean): Progress {
  const progress: Progress = { show: null, reached: from, late_us: null, end: false, hole: null };
  let here = from;
  for (let steps = 0; steps < MOST_STEPS; steps++) {
    const next = roll.peek(here, direction);
    if (next === null) return { ...progress, end: direction === 1 ? dueUs >= shownUs(here) : dueUs < shownUs(here) };
    if (!next) return { ...progress, late_us: shownUs(here) + direction };
    const hole = holeOn(here, next, direction);
    const change_us = hole ? (direction === 1 ? hole.from_us : shownUs(here)) : shownUs(direction === 1 ? next : here);
    if (direction === 1 ? dueUs < change_us : dueUs >= change_us) return progress;
    if (hole) return { ...progress, hole };
    if (gallery.ready(next)) progress.show = next;
    else if (!gallery.settled(next) && roll.form === "samples") return { ...progress, late_us: change_us };
    here = progress.reached = next;
    if (every && progress.show) return progress;
  }
  return progress;
}

function holeOn(here: Place, next: Place, direction: Direction): Hole | null {
  const [earlier, later] = direction === 1 ? [here, next] : [next, here];
  if (!holeBetween(earlier, later)) return null;
  return { from_us: earlier.group.chunk.end_us, to_us: later.group.chunk.start_us, next };
}

/** What to develop while playing: the shown picture's portion and those that come next. */
export function ahead(roll: Roll, gallery: Gallery, from: Place, direction: Direction): Place[] {
  const places = [from];
  let here: Place | null | undefined = from;
  const most = roll.form === "samples" ? PORTIONS_AHEAD : KEYS_AHEAD;
  for (let count = 0; count < most; count++) {
    here = gallery.beyond(here, direction) ?? roll.peek(edge(here, direction), direction);
    if (!here) break;
    places.push(here);
  }
  return places;
}

function edge({ group }: Place, direction: Direction): Place {
  return { group, index: direction === 1 ? group.shown.length - 1 : 0 };
}
