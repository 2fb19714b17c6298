import { describe, expect, test } from "vitest";

import { HOUR_US, MINUTE_US, SECOND_US } from "../src/time/units";
import { clockText, dateText, momentText, parseMoment, Zone } from "../src/time/zone";

const vietnam = new Zone("Asia/Ho_Chi_Minh");
const us = (iso: string): number => Date.parse(iso) * 1000;

describe("zone", () => {
  test("local time of the site is shown, whatever zone the browser is in", () => {
    const local = vietnam.local(us("2026-11-23T17:31:05Z") + 250_000);
    expect(clockText(local)).toBe("00:31:05");
    expect(dateText(local)).toBe("24/11/2026");
    expect(local.micro).toBe(250_000);
  });

  test("local time and instant are each other's inverse, summer time included", () => {
    for (const name of ["Asia/Ho_Chi_Minh", "Europe/Berlin", "America/St_Johns", "UTC"]) {
      const zone = new Zone(name);
      for (let at = us("2026-03-28T00:10:00Z"); at < us("2026-03-31T00:00:00Z"); at += 17 * MINUTE_US) {
        expect(zone.instant(zone.local(at))).toBe(at);
      }
    }
  });

  test("an hour that comes twice is read as the first of the two", () => {
    const berlin = new Zone("Europe/Berlin");
    const first = us("2026-10-25T00:30:00Z");
    expect(berlin.instant(berlin.local(first + HOUR_US))).toBe(first);
  });

  test("midnight is local", () => {
    expect(vietnam.midnight(us("2026-11-23T17:31:05Z"))).toBe(us("2026-11-23T17:00:00Z"));
  });
});

describe("go to", () => {
  const now = us("2026-11-23T13:31:05Z"); // 20:31:05 in Vietnam

  test.each([
    ["20:30", "2026-11-23T13:30:00Z"],
    ["8h05", "2026-11-23T01:05:00Z"],
    [" 23:59:30 ", "2026-11-22T16:59:30Z"], // not yet today: last night
    ["22/11 03:00", "2026-11-21T20:00:00Z"],
    ["22/11/2025 03:00:07", "2025-11-21T20:00:07Z"],
    ["31-12 12:00", "2025-12-31T05:00:00Z"], // not yet this year
    ["1.11.2026", "2026-10-31T17:00:00Z"],
  ])("understands %j", (text, iso) => {
    expect(parseMoment(text, now, vietnam)).toBe(us(iso));
  });

  test.each(["", "yesterday", "25:00", "12:61", "31/02/2026 10:00", "12", "10:00 22/11"])("refuses %j", (text) => {
    expect(parseMoment(text, now, vietnam)).toBeNull();
  });

  test("understands what it offers itself", () => {
    expect(parseMoment(momentText(vietnam.local(now)), now + SECOND_US, vietnam)).toBe(now);
  });
});
