import { expect, test } from "vitest";

import { type Outlook, outlook } from "../src/coverage/promise";

test.each<[string, number, number, Outlook]>([
  ["what is promised is there and will be", 30, 30, "kept"],
  ["more than promised", 31.5, 30.2, "kept"],
  ["a new recorder that will not be there within a week", 2, 9, "short"],
  ["a new recorder that will be there within a week, but is not yet", 25, 30, "short"],
  ["the disks are too small for the promise", 30, 21, "broken"],
  ["days are lost before the promise is reached", 12, 10, "broken"],
  ["tenths are rounded", 30, 29.96, "kept"],
])("%s", (_what, holding_days, expected_days, found) => {
  const kept = { promised_days: 30, holding_days, expected_days, least_days: 7, quota_days: null, impossible: false };
  expect(outlook(kept)).toBe(found);
});

test("a quota without room for the shortest time is a broken promise", () => {
  expect(outlook({ promised_days: 30, holding_days: 30, expected_days: 30, least_days: 7, quota_days: 3, impossible: true })).toBe("broken");
});
