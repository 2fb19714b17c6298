import { describe, expect, test } from "vitest";

import type { Bookmark } from "../src/api/types";
import { beside, matching } from "../src/finding/order";
import { SECOND_US } from "../src/time/units";

const mark = (number: number, at_us: number, note = "", channel = 1): Bookmark => ({ number, channel, at_us, note, author: "local", made_us: 0 });
const all = [mark(1, 10 * SECOND_US, "Xe máy đỏ"), mark(2, 20 * SECOND_US, "rác", 7), mark(3, 30 * SECOND_US, "Xe tải")];
const names = (channel: number): string => (channel === 7 ? "Chợ Hồ Xá" : "Cổng");
const numbers = (found: Bookmark[]): number[] => found.map((one) => one.number);

describe("beside", () => {
  test("goes from one to the next and back, passing by the one that stands here", () => {
    expect(beside(all, 10 * SECOND_US, 1)?.number).toBe(2);
    expect(beside(all, 30 * SECOND_US, -1)?.number).toBe(2);
    expect(beside(all, 20.2 * SECOND_US, -1)?.number).toBe(1);
  });

  test("ends with the last one", () => {
    expect(beside(all, 30 * SECOND_US, 1)).toBeNull();
    expect(beside(all, 0, -1)).toBeNull();
  });
});

describe("matching", () => {
  test("without words all, newest first", () => {
    expect(numbers(matching(all, " ", names))).toEqual([3, 2, 1]);
  });

  test.each([
    ["xe may", [1]],
    ["do", [1]],
    ["cho", [2]],
    ["7", [2]],
    ["xe cong", [3, 1]],
    ["đò", [1]],
    ["voi", []],
  ])("%j finds by note, name and number without marks over letters", (words, found) => {
    expect(numbers(matching(all, words, names))).toEqual(found);
  });
});
