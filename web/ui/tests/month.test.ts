import { describe, expect, test } from "vitest";

import type { Coverage, DayCoverage } from "../src/api/types";
import { dayOf, monthsOf, spanOf, weeksOf } from "../src/calendar/month";

const day = (expected_s: number, recorded_s: number): DayCoverage => ({ expected_s, recorded_s, missing_s: {}, unexplained_s: 0, coarse_s: 0, doubtful_s: 0 });
const promise = { promised_days: 30, holding_days: 2, expected_days: 30, least_days: 1, quota_days: null, impossible: false };
const ledger: Coverage = {
  track: "main",
  timezone: "Asia/Ho_Chi_Minh",
  now_us: 250,
  horizon_days: 7,
  days: ["2026-10-31", "2026-11-01"],
  day_starts_us: [100, 200],
  promise,
  channels: [
    { number: 1, name: "a", promise, days: [day(0, 0), day(100, 50)], names: [] },
    { number: 2, name: "b", promise, days: [day(100, 100), day(100, 100)], names: [] },
  ],
};

describe("calendar", () => {
  test("weeks begin on Monday and hold every day of the month once", () => {
    const weeks = weeksOf("2026-11"); // the first is a Sunday
    expect(weeks[0]).toEqual([null, null, null, null, null, null, "2026-11-01"]);
    expect(weeks.at(-1)![0]).toBe("2026-11-30");
    expect(weeks.flat().filter((date) => date !== null)).toHaveLength(30);
    expect(weeks.every((week) => week.length === 7)).toBe(true);
    expect(weeksOf("2028-02").flat().filter((date) => date !== null)).toHaveLength(29);
  });

  test("a day of one camera, of all together, and one of which nothing is known", () => {
    expect(dayOf(ledger, 1, "2026-11-01")).toMatchObject({ expected_s: 100, recorded_s: 50 });
    expect(dayOf(ledger, null, "2026-11-01")).toMatchObject({ expected_s: 200, recorded_s: 150 });
    expect(dayOf(ledger, 1, "2026-11-02")).toBeNull();
    expect(dayOf(ledger, 9, "2026-11-01")).toBeNull();
  });

  test("months are those of the ledger, and today ends now", () => {
    expect(monthsOf(ledger.days)).toEqual(["2026-10", "2026-11"]);
    expect(spanOf(ledger, "2026-10-31")).toEqual([100, 200]);
    expect(spanOf(ledger, "2026-11-01")).toEqual([200, 250]);
  });
});
