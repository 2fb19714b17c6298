/** The timeline of all cameras as the server tells it: bytes in equal cells, and questions to them. Pure. */

import type { ReasonWord, Overview } from "../api/types";

/** One camera. Each array has one byte a cell (web/API.md). */
export interface Row {
  readonly number: number;
  readonly first_us: number | null;
  readonly recorded: Uint8Array;
  readonly missing: Uint8Array;
  readonly activity: Uint8Array;
}

export interface Cells {
  readonly from_us: number;
  readonly to_us: number;
  readonly now_us: number;
  readonly count: number;
  readonly reasons: readonly ReasonWord[];
  readonly rows: ReadonlyMap<number, Row>;
}

export const UNEXPLAINED = 255;

export function cellsOf(answer: Overview): Cells {
  const rows = answer.channels.map((one) => ({
    number: one.number,
    first_us: one.first_us,
    recorded: bytes(one.recorded),
    missing: bytes(one.missing),
    activity: bytes(one.activity),
  }));
  return {
    from_us: answer.from_us,
    to_us: answer.to_us,
    now_us: answer.now_us,
    count: answer.cells,
    reasons: answer.reasons,
    rows: new Map(rows.map((row) => [row.number, row])),
  };
}

function bytes(base64: string): Uint8Array {
  return Uint8Array.from(atob(base64), (letter) => letter.charCodeAt(0));
}

export function cellWidthUs(cells: Cells): number {
  return (cells.to_us - cells.from_us) / cells.count;
}

/** The cell in which an instant lies; null outside the window. */
export function cellAt(cells: Cells, atUs: number): number | null {
  const place = Math.floor((atUs - cells.from_us) / cellWidthUs(cells));
  return place >= 0 && place < cells.count ? place : null;
}

export type Found =
  | { kind: "recorded"; activity: number }
  | { kind: "missing"; share: number; reason: ReasonWord | null }
  | { kind: "nothing" };

/** What a camera has at an instant, as finely as it is known. */
export function foundAt(cells: Cells, number: number, atUs: number): Found {
  const row = cells.rows.get(number);
  const place = cellAt(cells, atUs);
  if (!row || place === null) return { kind: "nothing" };
  const missing = row.missing[place]!;
  const recorded = row.recorded[place]!;
  if (missing !== 0) {
    const reason = missing === UNEXPLAINED ? null : (cells.reasons[missing - 1] ?? null);
    return { kind: "missing", share: (255 - recorded) / 255, reason };
  }
  return recorded === 0 ? { kind: "nothing" } : { kind: "recorded", activity: row.activity[place]! / 255 };
}

/** How a stretch of cells is drawn. */
export type Look = "whole" | "holed" | "missing" | "nothing";

/** A cell of which a sliver is missing is drawn as one with a hole, never as whole; one of which all is missing as missing. */
export function lookOf(recorded: number, missing: number): Look {
  if (missing === 0) return recorded === 0 ? "nothing" : "whole";
  return recorded === 0 ? "missing" : "holed";
}

export interface Run {
  readonly look: Look;
  readonly start: number;
  readonly end: number;
}

/** Neighbouring cells that look alike, as one. */
export function runsOf(row: Row, first: number, end: number): Run[] {
  const found: Run[] = [];
  let start = first;
  for (let place = first; place < end; place++) {
    const look = lookOf(row.recorded[place]!, row.missing[place]!);
    if (place + 1 < end && lookOf(row.recorded[place + 1]!, row.missing[place + 1]!) === look) continue;
    found.push({ look, start, end: place + 1 });
    start = place + 1;
  }
  return found;
}

const BUSY = 110; // of 255; chosen: what stands out in the strip

/** The start of the next (1) or the previous (−1) stretch in which much moves, away from an instant; null: none is known. */
export function busyBeside(cells: Cells, number: number, atUs: number, direction: 1 | -1): number | null {
  const row = cells.rows.get(number);
  if (!row) return null;
  const wide = cellWidthUs(cells);
  let place = Math.floor((atUs - cells.from_us) / wide);
  if (place < -1 || place > cells.count) return null;
  const busy = (at: number): boolean => (row.activity[at] ?? 0) >= BUSY;
  const inside = (at: number): boolean => at >= 0 && at < cells.count;
  if (direction === 1) {
    while (inside(place) && busy(place)) place++; // out of the stretch one is in
    while (inside(place) && !busy(place)) place++;
  } else {
    place--;
    while (inside(place) && !busy(place)) place--;
    while (inside(place - 1) && busy(place - 1)) place--;
  }
  return inside(place) ? Math.round(cells.from_us + place * wide) : null;
}
