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
    found.push(...ofDay(dawn, view, major, minor, zone));
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

function ofDay(dawn: number, view: Viewport, major: number, minor: number, zone: Zone): Tick[] {
  const next = nextMidnight(dawn, zone);
  const isEven = next - dawn === DAY_US;
  // On a day of 23 or 25 hours the clock on the wall decides what is a whole step, not the time since midnight.
  const step = isEven ? minor : Math.min(minor, HOUR_US / 2);
  const end = Math.min(next, view.to_us + 1);
  const found: Tick[] = [];
  for (let since = Math.max(0, Math.ceil((view.from_us - dawn) / step)) * step; dawn + since < end; since += step) {
    const onWall = since + (isEven ? 0 : zone.offsetUs(dawn + since) - zone.offsetUs(dawn));
    if (onWall % minor === 0) found.push(tick(dawn + since, since === 0, onWall % major === 0, major, zone));
  }
  return found;
}

function tick(at_us: number, midnight: boolean, isMajor: boolean, major: number, zone: Zone): Tick {
  const local = zone.local(at_us);
  return { at_us, major: isMajor, label: !isMajor ? "" : midnight ? dayMonth(local) : words(local, major), midnight };
}
