import { describe, expect, test } from "vitest";

import { ahead, holding, jump, stretches } from "../src/player/ranges";

const two = [
  { start: 10, end: 20 },
  { start: 50, end: 60 },
];

describe("buffered ranges", () => {
  test("the stretch that holds a time is found, rounding forgiven", () => {
    expect(holding(two, 10)).toBe(two[0]);
    expect(holding(two, 9.999)).toBe(two[0]);
    expect(holding(two, 20)).toBeNull();
    expect(holding(two, 55)).toBe(two[1]);
  });

  test("what is buffered ahead counts beyond holes too", () => {
    expect(ahead(two, 15)).toBe(15);
    expect(ahead(two, 30)).toBe(10);
    expect(ahead(two, 60)).toBe(0);
  });

  test("a hole is jumped only when its edge is reached", () => {
    expect(jump(two, 15, 0.1)).toBeNull();
    expect(jump(two, 19.95, 0.1)).toBe(50);
    expect(jump(two, 30, 0.1)).toBe(50);
    expect(jump(two, 59.99, 0.1)).toBeNull();
    expect(jump([], 3, 0.1)).toBeNull();
  });

  test("the browser's ranges are copied", () => {
    const ranges = { length: 2, start: (i: number) => two[i]!.start, end: (i: number) => two[i]!.end } as TimeRanges;
    expect(stretches(ranges)).toEqual(two);
  });
});
