import { describe, expect, test } from "vitest";

import { DAY_US, HOUR_US, MINUTE_US, SECOND_US } from "../src/time/units";
import { Zone } from "../src/time/zone";
import { ticks } from "../src/timeline/ticks";

const zone = new Zone("Asia/Ho_Chi_Minh");
const NOON = Date.parse("2026-11-23T05:00:00Z") * 1000; // 12:00 in Vietnam

describe("ticks", () => {
  test.each([4 * SECOND_US, 30 * SECOND_US, 10 * MINUTE_US, HOUR_US, 8 * HOUR_US, DAY_US, 7 * DAY_US])(
    "words never touch in a view of %d µs",
    (span) => {
      const view = { from_us: NOON, to_us: NOON + span };
      const major = ticks(view, 1500, zone).filter((tick) => tick.major);
      expect(major.length).toBeGreaterThan(1);
      expect(major.length).toBeLessThanOrEqual(1500 / 96 + 1);
    },
  );

  test("steps count from local midnight and the date stands there", () => {
    const found = ticks({ from_us: NOON - DAY_US / 2 - HOUR_US, to_us: NOON }, 1500, zone);
    const midnight = found.find((tick) => tick.midnight);
    expect(midnight?.label).toBe("23/11");
    expect(found.filter((tick) => tick.major && !tick.midnight).map((tick) => tick.label)).toContain("06:00");
  });

  test("ticks rise, lie in the view and are not doubled", () => {
    const view = { from_us: NOON - 3 * DAY_US + 12_345, to_us: NOON };
    const found = ticks(view, 1500, zone).map((tick) => tick.at_us);
    expect([...found].sort((a, b) => a - b)).toEqual(found);
    expect(new Set(found).size).toBe(found.length);
    expect(found[0]).toBeGreaterThanOrEqual(view.from_us);
    expect(found.at(-1)).toBeLessThanOrEqual(view.to_us);
  });

  test("seconds are written where seconds are told apart", () => {
    const labels = ticks({ from_us: NOON, to_us: NOON + 20 * SECOND_US }, 1500, zone).map((tick) => tick.label);
    expect(labels).toContain("12:00:02");
  });

  test.each([
    ["2026-03-29", 23],
    ["2026-10-25", 25],
  ])("on %s, a day of %d hours, whole hours of the clock on the wall are on the ruler", (day, hours) => {
    const berlin = new Zone("Europe/Berlin");
    const from_us = berlin.midnight(Date.parse(`${day}T12:00:00Z`) * 1000);
    const found = ticks({ from_us, to_us: from_us + hours * HOUR_US }, 1500, berlin).filter((tick) => tick.major);
    expect(found.map((tick) => tick.label).slice(-5)).toEqual(["14:00", "16:00", "18:00", "20:00", "22:00"]);
    expect(found.filter((tick) => tick.midnight)).toHaveLength(1);
  });
});
