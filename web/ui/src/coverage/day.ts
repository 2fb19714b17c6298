/** A day of the ledger in numbers and words that need no colour. Pure. */

import type { DayCoverage, ReasonWord } from "../api/types";

export type Grade = "none" | "whole" | "nearly" | "partly" | "poor";

/** Whole percent, rounded down: 100 only where nothing that matters is missing. null: nothing was expected. */
export function percent(day: DayCoverage): number | null {
  if (day.expected_s === 0) return null;
  const share = (100 * day.recorded_s) / day.expected_s;
  return share >= 99.95 ? 100 : Math.floor(share);
}

export function grade(day: DayCoverage): Grade {
  const share = percent(day);
  if (share === null) return "none";
  if (share === 100) return "whole";
  if (share >= 99) return "nearly";
  return share >= 90 ? "partly" : "poor";
}

/** The percent as the table shows them; "~" says that times of that day are in doubt. */
export function shown(day: DayCoverage): string {
  return `${percent(day) ?? "–"}${day.coarse_s || day.doubtful_s ? "~" : ""}`;
}

export interface Cause {
  reason: ReasonWord | null;
  seconds: number;
}

/** What is missing, the greatest first; a null reason: nobody knows why. */
export function causes(day: DayCoverage): Cause[] {
  const known = Object.entries(day.missing_s).map(([reason, seconds]) => ({ reason: reason as ReasonWord, seconds }));
  const all: Cause[] = day.unexplained_s > 0 ? [...known, { reason: null, seconds: day.unexplained_s }] : known;
  return all.filter((cause) => cause.seconds > 0).sort((a, b) => b.seconds - a.seconds);
}
