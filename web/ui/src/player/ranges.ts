/** Questions to the buffered ranges of a media element. Pure; seconds, as the media element counts. */

export interface Stretch {
  start: number;
  end: number;
}

/** A picture that ends here and one that starts within this are neighbours (rounding, 90 kHz against microseconds). */
const TOUCH_S = 0.002;

export function stretches(ranges: TimeRanges): Stretch[] {
  return Array.from({ length: ranges.length }, (_, index) => ({ start: ranges.start(index), end: ranges.end(index) }));
}

/** The stretch that holds a time, or null. */
export function holding(all: readonly Stretch[], time: number): Stretch | null {
  return all.find(({ start, end }) => time >= start - TOUCH_S && time < end) ?? null;
}

/** Seconds buffered behind a time, those after holes included. */
export function ahead(all: readonly Stretch[], time: number): number {
  return all.reduce((sum, { start, end }) => sum + Math.max(0, end - Math.max(start, time)), 0);
}

/** Where to go on when the picture at `time` is the last before a hole: the next start, or null if nothing is buffered behind it. */
export function jump(all: readonly Stretch[], time: number, nearS: number): number | null {
  const here = holding(all, time);
  if (here && here.end - time > nearS) return null;
  const from = here ? here.end : time;
  return all.find(({ start }) => start > from - TOUCH_S && start > time)?.start ?? null;
}
