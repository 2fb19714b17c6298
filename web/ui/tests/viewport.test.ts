import { describe, expect, test } from "vitest";

import { DAY_US, HOUR_US, SECOND_US } from "../src/time/units";
import { centre, confine, follow, LONGEST_US, opening, pan, SHORTEST_US, timeAt, width, xOf, zoom } from "../src/timeline/viewport";

const NOW = 1_795_000_000_000_000;
const HOUR = { from_us: NOW - HOUR_US, to_us: NOW };

describe("viewport", () => {
  test("a place and its time are each other's inverse", () => {
    for (const x of [0, 1, 333, 1499, 1500]) expect(xOf(HOUR, timeAt(HOUR, x, 1500), 1500)).toBeCloseTo(x, 5);
  });

  test("zooming keeps the instant under the pointer where it is", () => {
    const around = NOW - 0.2 * HOUR_US;
    for (const factor of [0.5, 0.9, 1.7]) {
      expect(xOf(zoom(HOUR, factor, around), around, 1500)).toBeCloseTo(xOf(HOUR, around, 1500), 3);
    }
  });

  test("zooming stops at seconds and at days", () => {
    expect(width(zoom(HOUR, 1e-9, NOW))).toBe(SHORTEST_US);
    expect(width(zoom(HOUR, 1e9, NOW))).toBe(LONGEST_US);
  });

  test("zooming in and out by the same factor comes back", () => {
    const there = zoom(zoom(HOUR, 0.25, NOW - 600 * SECOND_US), 4, NOW - 600 * SECOND_US);
    expect(Math.abs(there.from_us - HOUR.from_us)).toBeLessThan(10);
  });

  test("the view cannot be moved wholly into the future", () => {
    const lost = confine(pan(HOUR, 5 * HOUR_US), NOW - DAY_US, NOW);
    expect(lost.from_us).toBeLessThan(NOW);
    expect(width(lost)).toBe(HOUR_US);
  });

  test("the view cannot be moved far before the first footage", () => {
    const first = NOW - DAY_US;
    const lost = confine(pan(HOUR, -9 * DAY_US), first, NOW);
    expect(lost.to_us).toBeGreaterThan(first);
  });

  test("the page is turned only when the cursor leaves it", () => {
    expect(follow(HOUR, NOW - HOUR_US / 2)).toBe(HOUR);
    const next = follow(HOUR, NOW + SECOND_US);
    expect(xOf(next, NOW + SECOND_US, 1)).toBeCloseTo(0.2, 6);
    const back = follow(HOUR, NOW - 2 * HOUR_US);
    expect(xOf(back, NOW - 2 * HOUR_US, 1)).toBeCloseTo(0.8, 6);
  });

  test("the first view holds young footage whole and of old footage the last hours", () => {
    expect(opening(NOW - HOUR_US, NOW).from_us).toBeLessThan(NOW - HOUR_US);
    expect(width(opening(NOW - 30 * DAY_US, NOW))).toBe(8 * HOUR_US);
    expect(width(opening(null, NOW))).toBe(600 * SECOND_US);
    expect(opening(null, NOW).to_us).toBeGreaterThan(NOW);
  });

  test("centring puts an instant at its place", () => {
    expect(xOf(centre(HOUR, NOW, 0.25), NOW, 100)).toBeCloseTo(25, 6);
  });
});
