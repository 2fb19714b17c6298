/** Where the ruler carries lines and words. Pure. */

import { DAY_US, HOUR_US, MINUTE_US, SECOND_US } from "../time/units";
import { clockText, dayMonth, hourMinute, type Zone } from "../time/zone";
import { type Viewport, width } from "./viewport";

export interface Tick {
  at_us: number;
  /** Carries words; the others are short lines between. */
  major: boolean;
  label: string;
  /** Local midnight: the words are the date. */
  midnight: boolean;
}

/** Steps that people count in, each with the finer one between its lines. */
const STEPS: readonly (readonly [major_us: number, minor_us: number])[] = [
  [SECOND_US, SECOND_US / 5],
  [2 * SECOND_US, SECOND_US],
  [5 * SECOND_US, SECOND_US],
  [10 * SECOND_US, 2 * SECOND_US],
  [30 * SECOND_US, 10 * SECOND_US],
  [MINUTE_US, 10 * SECOND_US],
  [2 * MINUTE_US, 30 * SECOND_US],
  [5 * MINUTE_US, MINUTE_US],
  [10 * MINUTE_US, 2 * MINUTE_US],
  [30 * MINUTE_US, 10 * MINUTE_US],
  [HOUR_US, 10 * MINUTE_US],
  [2 * HOUR_US, 30 * MINUTE_US],
  [4 * HOUR_US, HOUR_US],
  [6 * HOUR_US, HOUR_US],
  [12 * HOUR_US, 2 * HOUR_US],
  [DAY_US, 6 * HOUR_US],
];

/** The finest step whose words do not touch: `room` pixels are needed from one to the next. */
export function stepFor(view: Viewport, pixels: number, room: number): readonly [major_us: number, minor_us: number] {
  const least = (width(view) / pixels) * room;
  return STEPS.find(([major]) => major >= least) ?? STEPS[STEPS.length - 1]!;
}

export function ticks(view: Viewport, pixels: number, zone: Zone, room = 96): Tick[] {
  const [major, minor] = stepFor(view, pixels, room);
  const found: Tick[] = [];
  // Steps count from local midnight, so that 06:00 is on the ruler in every zone.
  for (let dawn = zone.midnight(view.from_us); dawn < view.to_us; dawn = nextMidnight(dawn, zone)) {
    const end = Math.min(nextMidnight(dawn, zone), view.to_us + 1);
    const first = Math.max(0, Math.ceil((view.from_us - dawn) / minor));
    for (let step = first; dawn + step * minor < end; step++) found.push(tick(dawn, step * minor, major, zone));
  }
  return found;
}

function nextMidnight(dawn: number, zone: Zone): number {
  return zone.midnight(dawn + 36 * HOUR_US);
}

function tick(dawn: number, since: number, major: number, zone: Zone): Tick {
  const at_us = dawn + since;
  const isMajor = since % major === 0;
  const local = zone.local(at_us);
  const midnight = since === 0;
  const label = !isMajor ? "" : midnight ? dayMonth(local) : major < MINUTE_US ? clockText(local) : hourMinute(local);
  return { at_us, major: isMajor, label, midnight };
}
