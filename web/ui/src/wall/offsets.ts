/** Lines cameras up by their own clocks. Pure. */

/** Chosen: a camera whose clock is further off than this is not set by any server, and its clock tells nothing. */
const SET_WITHIN_US = 1_000_000;

/**
 * How much later than the common clock each camera's footage must be taken, µs, so that pictures of one instant come together.
 *
 * Footage is kept by the time at which it came in; `offsets` are camera − server, from the cameras' sender reports. The common
 * clock stays the server's: only differences to the middle one count.
 */
export function shifts(offsets: readonly (number | null)[]): number[] {
  const usable = offsets.filter((offset): offset is number => offset !== null && Math.abs(offset) <= SET_WITHIN_US).sort((a, b) => a - b);
  if (usable.length < 2) return offsets.map(() => 0);
  const middle = usable[usable.length >> 1]!;
  return offsets.map((offset) => (offset !== null && Math.abs(offset) <= SET_WITHIN_US ? middle - offset : 0));
}
