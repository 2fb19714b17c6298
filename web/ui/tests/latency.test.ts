import { describe, expect, test } from "vitest";

import { keepUp, retryMs, SPARE_S, usualLength } from "../src/live/latency";

const FRAGMENT = 0.5;

/** Plays fragments that come every half second, each at once, and gives how far behind the data the picture is at the end. */
function behindAfter(seconds: number, start: number): number {
  let time = 0;
  let end = start;
  for (let now = 0; now < seconds; now += FRAGMENT) {
    end += FRAGMENT;
    const step = keepUp(time, end, FRAGMENT);
    if (step.kind === "jump") time = step.to;
    time = Math.min(end, time + FRAGMENT * (step.kind === "rate" ? step.rate : 1));
  }
  return end - time;
}

describe("live latency", () => {
  test.each([0, 0.3, 1, 2.4, 8])("comes under a second within ten seconds from %d s behind", (start) => {
    const behind = behindAfter(10, start);
    expect(behind).toBeLessThan(0.3); // and half a second of it is the fragment itself
    expect(behind).toBeGreaterThan(0);
  });

  test("a picture in step is left alone", () => {
    expect(keepUp(10, 10 + FRAGMENT + SPARE_S, FRAGMENT)).toEqual({ kind: "rate", rate: 1 });
  });

  test("what is far behind, or ahead of the data, jumps", () => {
    expect(keepUp(10, 20, FRAGMENT).kind).toBe("jump");
    expect(keepUp(21, 20, FRAGMENT).kind).toBe("jump");
  });

  test("one who has just come jumps sooner than one who is looking", () => {
    expect(keepUp(10, 11.5, FRAGMENT, true).kind).toBe("jump");
    expect(keepUp(10, 11.5, FRAGMENT).kind).toBe("rate");
  });

  test("the usual length grows at once and forgets slowly", () => {
    expect(usualLength(0.3, 0.5)).toBe(0.5);
    expect(usualLength(0.5, 0.1)).toBeCloseTo(0.48);
  });

  test("retries wait longer each time, five seconds at most", () => {
    expect([0, 1, 2, 3, 4, 20].map(retryMs)).toEqual([500, 1000, 2000, 4000, 5000, 5000]);
  });
});
