import { describe, expect, test } from "vitest";

import type { Gap, Timeline } from "../src/api/types";
import { coverage, covers, doubtsAt, gapsWithin, nameAt, placeAt, recordedUs } from "../src/timeline/coverage";

const gap = (start_us: number, end_us: number, open = false): Gap => ({ start_us, end_us, reason: "network", detail: "", open });
const answer = (spans: [number, number][], gaps: Gap[]): Timeline => ({
  track: "main",
  from_us: 0,
  to_us: 10_000_000,
  now_us: 9_000_000,
  first_us: 1_000_000,
  last_us: 9_000_000,
  spans,
  coarse: [[1_000_000, 2_000_000]],
  doubtful: [[6_000_000, 7_000_000]],
  twice: [[4_000_000, 5_000_000]],
  takes: [3],
  away: [[7_000_000, 8_000_000]],
  damaged: [[2_500_000, 3_000_000]],
  gaps,
  names: [[2_000_000, 3_000_000, "Cổng cũ"]],
});

const facts = coverage(answer([[1_000_000, 3_000_000], [3_040_000, 4_000_000], [6_000_000, 8_000_000]], [gap(4_000_000, 6_000_000), gap(8_000_000, 9_000_000, true)]));

describe("coverage", () => {
  test("holes too small to see are closed, others stay", () => {
    expect(facts.spans).toEqual([[1_000_000, 4_000_000], [6_000_000, 8_000_000]]);
  });

  test.each([
    [500_000, "before"],
    [1_000_000, "recorded"],
    [3_020_000, "recorded"],
    [4_000_000, "gap"],
    [5_999_999, "gap"],
    [6_000_000, "recorded"],
    [8_500_000, "gap"],
    [9_050_000, "gap"], // the open gap goes on though the answer is older than now
    [9_200_000, "future"],
  ])("what stands at %d is %s", (at, kind) => {
    expect(placeAt(facts, at, 9_100_000).kind).toBe(kind);
  });

  test("times that are not to be taken as they stand are told", () => {
    expect(doubtsAt(facts, 1_500_000)).toEqual(["coarse"]);
    expect(doubtsAt(facts, 6_500_000)).toEqual(["doubtful"]);
    expect(doubtsAt(facts, 2_000_000)).toEqual([]);
    expect(doubtsAt(facts, 7_500_000)).toEqual(["away"]);
    expect(doubtsAt(facts, 2_600_000)).toEqual(["damaged"]);
  });

  test("what a camera was called is known where it was called otherwise", () => {
    expect(nameAt(facts.names, 2_500_000)).toBe("Cổng cũ");
    expect(nameAt(facts.names, 3_000_000)).toBeNull();
    expect(nameAt([], 1)).toBeNull();
  });

  test("what the server has not told yet is no missing footage", () => {
    expect(placeAt(facts, 20_000_000, 30_000_000).kind).toBe("unasked");
    expect(placeAt(facts, -1, 30_000_000).kind).toBe("unasked");
    expect(covers(facts, { from_us: 0, to_us: 10_000_000 }, 30_000_000)).toBe(true);
    expect(covers(facts, { from_us: 0, to_us: 20_000_000 }, 30_000_000)).toBe(false);
    expect(covers(facts, { from_us: 0, to_us: 20_000_000 }, 12_000_000)).toBe(true); // the last seconds are on their way
  });

  test("what nobody knows is said to be unknown, not recorded", () => {
    const bare = coverage(answer([[1_000_000, 2_000_000]], []));
    expect(placeAt(bare, 5_000_000, 9_000_000).kind).toBe("unknown");
  });

  test("a marked range knows how much of it is recorded", () => {
    expect(recordedUs(facts, 3_000_000, 7_000_000)).toBe(2_000_000);
    expect(recordedUs(facts, 4_500_000, 5_500_000)).toBe(0);
  });

  test("gaps in view are found", () => {
    expect(gapsWithin(facts, 5_000_000, 7_000_000)).toHaveLength(1);
    expect(gapsWithin(facts, 0, 10_000_000)).toHaveLength(2);
  });
});
