/** What is recorded, what is missing and why: facts about one track, and questions to them. Pure. */

import type { Gap, Span, Timeline } from "../api/types";

export interface Coverage {
  readonly from_us: number;
  readonly to_us: number;
  readonly first_us: number | null;
  readonly spans: readonly Span[];
  readonly gaps: readonly Gap[];
  readonly names: readonly NameRow[];
  readonly doubts: readonly Doubt[];
}

/** What is to be known of a stretch: its times are not to be taken as they stand, its disk is not there, or has changed it. */
export interface Doubt {
  readonly kind: "coarse" | "doubtful" | "twice" | "away" | "damaged";
  readonly from_us: number;
  readonly to_us: number;
  /** twice: how often it was recorded. */
  readonly takes?: number | undefined;
}

/** From when to when a camera had another name than today, and which. */
export type NameRow = readonly [from_us: number, to_us: number, name: string];

/** What the camera was called at an instant; null: as today. */
export function nameAt(names: readonly NameRow[], atUs: number): string | null {
  return names.find(([from, to]) => from <= atUs && atUs < to)?.[2] ?? null;
}

/** What is to be known of a picture. */
export function doubtsAt(facts: Coverage, atUs: number): Doubt["kind"][] {
  return [...new Set(facts.doubts.filter((one) => one.from_us <= atUs && atUs < one.to_us).map((one) => one.kind))];
}

/** How often the time of a picture was recorded. */
export function takesAt(facts: Coverage, atUs: number): number {
  const twice = facts.doubts.find((one) => one.kind === "twice" && one.from_us <= atUs && atUs < one.to_us);
  return twice ? (twice.takes ?? 2) : 1;
}

/** What it was called otherwise in a stretch, each name once. */
export function namesWithin(names: readonly NameRow[], fromUs: number, toUs: number): string[] {
  return [...new Set(names.filter(([from, to]) => from < toUs && to > fromUs).map((row) => row[2]))];
}

export const NOTHING: Coverage = { from_us: 0, to_us: 0, first_us: null, spans: [], gaps: [], names: [], doubts: [] };

/** Chunks do not always meet to the microsecond: what is shorter is no hole (the API's own word for it). */
export const HOLE_US = 100_000;

export type Place =
  | { kind: "recorded" }
  | { kind: "gap"; gap: Gap }
  | { kind: "before" } // before the first footage
  | { kind: "future" }
  | { kind: "unasked" } // the server has not told yet
  | { kind: "unknown" };

export function coverage(answer: Timeline): Coverage {
  return {
    from_us: answer.from_us,
    to_us: answer.to_us,
    first_us: answer.first_us,
    spans: joined(answer.spans),
    gaps: answer.gaps,
    names: answer.names,
    doubts: [
      ...(["coarse", "doubtful", "away", "damaged"] as const).flatMap((kind) => answer[kind].map(([from_us, to_us]) => ({ kind, from_us, to_us }))),
      ...answer.twice.map(([from_us, to_us], at) => ({ kind: "twice" as const, from_us, to_us, takes: answer.takes[at] })),
    ],
  };
}

/** Chosen: later than that before now need not be known yet, since it is asked every second or three. */
const LATELY_US = 5_000_000;

/** Whether the facts tell all that could have been recorded in a view. */
export function covers(facts: Coverage, view: { from_us: number; to_us: number }, nowUs: number): boolean {
  return view.from_us >= facts.from_us && Math.min(view.to_us, nowUs - LATELY_US) <= facts.to_us;
}

/** What stands at an instant. */
export function placeAt(facts: Coverage, atUs: number, nowUs: number): Place {
  const told = Math.min(nowUs, facts.to_us + LATELY_US);
  if (facts.spans.some(([start, end]) => atUs >= start && atUs < end)) return { kind: "recorded" };
  const gap = facts.gaps.find(({ start_us, end_us, open }) => atUs >= start_us && (atUs < end_us || (open && atUs <= told)));
  if (gap) return { kind: "gap", gap };
  if (atUs > nowUs) return { kind: "future" };
  if (atUs < facts.from_us || atUs > told) return { kind: "unasked" };
  if (facts.first_us === null || atUs < facts.first_us) return { kind: "before" };
  return { kind: "unknown" };
}

/** Gaps of at least `leastUs` that touch a window, oldest first. */
export function gapsWithin(facts: Coverage, fromUs: number, toUs: number, leastUs = 0): Gap[] {
  return facts.gaps
    .filter((gap) => gap.end_us > fromUs && gap.start_us < toUs && gap.end_us - gap.start_us >= leastUs)
    .sort((a, b) => a.start_us - b.start_us);
}

/** Seconds of footage in a range, for "2 of 5 minutes are recorded". */
export function recordedUs(facts: Coverage, fromUs: number, toUs: number): number {
  let total = 0;
  for (const [start, end] of facts.spans) total += Math.max(0, Math.min(end, toUs) - Math.max(start, fromUs));
  return total;
}

function joined(spans: readonly Span[]): Span[] {
  const result: Span[] = [];
  for (const [start, end] of spans) {
    const last = result[result.length - 1];
    if (last && start - last[1] < HOLE_US) last[1] = Math.max(last[1], end);
    else result.push([start, end]);
  }
  return result;
}
