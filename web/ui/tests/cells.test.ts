import { describe, expect, test } from "vitest";

import type { Overview } from "../src/api/types";
import { busyBeside, cellAt, cellsOf, foundAt, lookOf, runsOf } from "../src/overview/cells";

const SECOND = 1_000_000;
const base64 = (bytes: number[]): string => btoa(String.fromCharCode(...bytes));

function answer(recorded: number[], missing: number[], activity = recorded.map(() => 0)): Overview {
  return {
    track: "main",
    from_us: 100 * SECOND,
    to_us: (100 + recorded.length) * SECOND,
    now_us: 1000 * SECOND,
    cells: recorded.length,
    reasons: ["camera", "network"],
    channels: [{ number: 7, first_us: null, last_us: null, recorded: base64(recorded), missing: base64(missing), activity: base64(activity) }],
  };
}

describe("cells", () => {
  const cells = cellsOf(answer([0, 255, 200, 0, 255], [0, 0, 2, 255, 0]));

  test("an instant lies in one cell, and outside in none", () => {
    expect(cellAt(cells, 100 * SECOND)).toBe(0);
    expect(cellAt(cells, 104.999 * SECOND)).toBe(4);
    expect(cellAt(cells, 99.999 * SECOND)).toBeNull();
    expect(cellAt(cells, 105 * SECOND)).toBeNull();
  });

  test("what is told of a place is what the bytes say", () => {
    expect(foundAt(cells, 7, 100.5 * SECOND)).toEqual({ kind: "nothing" });
    expect(foundAt(cells, 7, 101.5 * SECOND)).toEqual({ kind: "recorded", activity: 0 });
    expect(foundAt(cells, 7, 102.5 * SECOND)).toEqual({ kind: "missing", share: 55 / 255, reason: "network" });
    expect(foundAt(cells, 7, 103.5 * SECOND)).toEqual({ kind: "missing", share: 1, reason: null });
    expect(foundAt(cells, 8, 101.5 * SECOND)).toEqual({ kind: "nothing" });
  });

  test("a cell with the smallest hole is not drawn as whole", () => {
    expect(lookOf(254, 1)).toBe("holed");
    expect(lookOf(255, 0)).toBe("whole");
    expect(lookOf(0, 255)).toBe("missing");
  });

  test("neighbours that look alike are one run, and runs leave nothing out", () => {
    const row = cellsOf(answer([255, 255, 100, 100, 0], [0, 0, 1, 2, 1])).rows.get(7)!;
    expect(runsOf(row, 0, 5)).toEqual([
      { look: "whole", start: 0, end: 2 },
      { look: "holed", start: 2, end: 4 },
      { look: "missing", start: 4, end: 5 },
    ]);
    expect(runsOf(row, 1, 3)).toEqual([
      { look: "whole", start: 1, end: 2 },
      { look: "holed", start: 2, end: 3 },
    ]);
  });
});

describe("busy stretches", () => {
  const all = Array<number>(10).fill(255);
  const cells = cellsOf(answer(all, all.map(() => 0), [0, 0, 200, 200, 0, 0, 0, 150, 0, 0]));

  test("the next one begins behind the one that one is in", () => {
    expect(busyBeside(cells, 7, 100 * SECOND, 1)).toBe(102 * SECOND);
    expect(busyBeside(cells, 7, 102.5 * SECOND, 1)).toBe(107 * SECOND);
    expect(busyBeside(cells, 7, 107.5 * SECOND, 1)).toBeNull();
  });

  test("the previous one is found at its start", () => {
    expect(busyBeside(cells, 7, 109 * SECOND, -1)).toBe(107 * SECOND);
    expect(busyBeside(cells, 7, 107.2 * SECOND, -1)).toBe(102 * SECOND);
    expect(busyBeside(cells, 7, 101 * SECOND, -1)).toBeNull();
  });
});
