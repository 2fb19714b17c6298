/** Where the ruler carries lines and words. Pure. */

import { DAY_US, HOUR_US, MINUTE_US, SECOND_US } from "../time/units";
import { clockText, dayMonth, hourMinute, type LocalTime, type Zone } from "../time/zone";
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
  [SECOND_US / 10, SECOND_US / 50],
  [SECOND_US / 5, SECOND_US / 10],
  [SECOND_US / 2, SECOND_US / 10],
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
  [2 * DAY_US, DAY_US],
  [7 * DAY_US, DAY_US],
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
    if (major > DAY_US) {
      found.push(dayTick(dawn, Math.round(major / DAY_US), zone));
      continue;
    }
    const end = Math.min(nextMidnight(dawn, zone), view.to_us + 1);
    const first = Math.max(0, Math.ceil((view.from_us - dawn) / minor));
    for (let step = first; dawn + step * minor < end; step++) found.push(tick(dawn, step * minor, major, zone));
  }
  return found;
}

/** Of steps of several days: counted from 1970, so that the words stay on their days while the view moves. */
function dayTick(dawn: number, days: number, zone: Zone): Tick {
  const local = zone.local(dawn);
  const isMajor = Math.round(Date.UTC(local.year, local.month - 1, local.day) / 86_400_000) % days === 0;
  return { at_us: dawn, major: isMajor, label: isMajor ? dayMonth(local) : "", midnight: isMajor };
}

function nextMidnight(dawn: number, zone: Zone): number {
  return zone.midnight(dawn + 36 * HOUR_US);
}

function words(local: LocalTime, major: number): string {
  if (major >= MINUTE_US) return hourMinute(local);
  return major >= SECOND_US ? clockText(local) : `${clockText(local)}.${Math.round(local.micro / 100_000) % 10}`;
}

function tick(dawn: number, since: number, major: number, zone: Zone): Tick {
  const at_us = dawn + since;
  const isMajor = since % major === 0;
  const local = zone.local(at_us);
  const midnight = since === 0;
  const label = !isMajor ? "" : midnight ? dayMonth(local) : words(local, major);
  return { at_us, major: isMajor, label, midnight };
}
