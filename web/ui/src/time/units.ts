/** Wall time is a whole number of microseconds UTC; a number holds it exactly until the year 2255. */

export const MILLISECOND_US = 1_000;
export const SECOND_US = 1_000_000;
export const MINUTE_US = 60 * SECOND_US;
export const HOUR_US = 60 * MINUTE_US;
export const DAY_US = 24 * HOUR_US;

export function clamp(value: number, low: number, high: number): number {
  return Math.min(Math.max(value, low), high);
}
