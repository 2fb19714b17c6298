/** How a camera stays in step with a clock: by playing a little faster or slower, or by a jump. Pure. */

export type Steering = { kind: "rate"; rate: number } | { kind: "jump"; leadUs: number };

const JUMP_US = 350_000; // chosen: further off than this a nudge would take seconds
const QUIET_US = 4_000; // less than this nobody sees, and every change of rate costs a little
const PULL_PER_S = 2.5; // an error of 40 ms is answered by a tenth of the speed
const MOST = 0.25; // of the speed
const LEAD_US = 120_000; // a jump takes about so long: land where the clock will be then

/**
 * @param errorUs where the picture is beyond the clock (negative: behind), µs of footage
 * @param speed of the clock, positive
 */
export function steer(errorUs: number, speed: number): Steering {
  if (Math.abs(errorUs) > JUMP_US * Math.max(1, speed)) return { kind: "jump", leadUs: LEAD_US * speed };
  if (Math.abs(errorUs) <= QUIET_US) return { kind: "rate", rate: speed };
  const pull = Math.max(-MOST, Math.min(MOST, (errorUs / 1e6) * PULL_PER_S));
  return { kind: "rate", rate: speed * (1 - pull) };
}
