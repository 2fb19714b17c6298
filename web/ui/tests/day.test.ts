import { describe, expect, test } from "vitest";

import type { DayCoverage } from "../src/api/types";
import { causes, grade, percent, shown } from "../src/coverage/day";

function day(recorded_s: number, more: Partial<DayCoverage> = {}): DayCoverage {
  return { expected_s: 86_400, recorded_s, missing_s: {}, unexplained_s: 0, coarse_s: 0, doubtful_s: 0, ...more };
}

describe("a day of the ledger", () => {
  test.each([
    [86_400, 100, "whole"],
    [86_360, 100, "whole"], // 40 s of a day: a restart of the camera
    [86_300, 99, "nearly"],
    [78_000, 90, "partly"],
    [77_000, 89, "poor"],
    [0, 0, "poor"],
  ])("%i recorded seconds are %i %%, %s", (seconds, share, word) => {
    expect(percent(day(seconds))).toBe(share);
    expect(grade(day(seconds))).toBe(word);
  });

  test("of a day when nothing was expected there is no share", () => {
    expect(percent(day(0, { expected_s: 0 }))).toBeNull();
    expect(grade(day(0, { expected_s: 0 }))).toBe("none");
  });

  test("doubtful times are marked, and the share stays", () => {
    expect(shown(day(86_400))).toBe("100");
    expect(shown(day(86_400, { coarse_s: 60 }))).toBe("100~");
    expect(shown(day(77_000, { doubtful_s: 60 }))).toBe("89~");
    expect(shown(day(0, { expected_s: 0 }))).toBe("–");
  });

  test("the greatest cause comes first, what nobody knows is a cause", () => {
    const found = causes(day(0, { missing_s: { network: 5, disk: 900, camera: 0 }, unexplained_s: 30 }));
    expect(found).toEqual([
      { reason: "disk", seconds: 900 },
      { reason: null, seconds: 30 },
      { reason: "network", seconds: 5 },
    ]);
  });
});
