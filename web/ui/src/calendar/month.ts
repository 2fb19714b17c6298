/** The days of the ledger as months of weeks. Pure. */

import type { Coverage, DayCoverage } from "../api/types";

/** 2026-11 */
export type Month = string;

/** The months in which days of the ledger lie, oldest first. */
export function monthsOf(days: readonly string[]): Month[] {
  return [...new Set(days.map((day) => day.slice(0, 7)))];
}

/** Weeks from Monday to Sunday; null: a day of another month. */
export function weeksOf(month: Month): (string | null)[][] {
  const [year, number] = month.split("-").map(Number) as [number, number];
  const length = new Date(Date.UTC(year, number, 0)).getUTCDate();
  const blank = (new Date(Date.UTC(year, number - 1, 1)).getUTCDay() + 6) % 7;
  const days: (string | null)[] = Array<null>(blank).fill(null);
  for (let day = 1; day <= length; day++) days.push(`${month}-${String(day).padStart(2, "0")}`);
  while (days.length % 7) days.push(null);
  return Array.from({ length: days.length / 7 }, (_, week) => days.slice(7 * week, 7 * week + 7));
}

/** A day of one camera, or of all together. null: the ledger does not reach so far. */
export function dayOf(ledger: Coverage, channel: number | null, date: string): DayCoverage | null {
  const at = ledger.days.indexOf(date);
  const days = ledger.channels.filter((one) => channel === null || one.number === channel).map((one) => one.days[at]);
  if (at < 0 || days.length === 0) return null;
  const sum: DayCoverage = { expected_s: 0, recorded_s: 0, missing_s: {}, unexplained_s: 0, coarse_s: 0, doubtful_s: 0 };
  for (const day of days) {
    sum.expected_s += day?.expected_s ?? 0;
    sum.recorded_s += day?.recorded_s ?? 0;
  }
  return sum;
}

/** Where a day begins and ends; today ends now. */
export function spanOf(ledger: Coverage, date: string): [start_us: number, end_us: number] {
  const at = ledger.days.indexOf(date);
  return [ledger.day_starts_us[at]!, ledger.day_starts_us[at + 1] ?? ledger.now_us];
}
