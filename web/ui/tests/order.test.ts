import { describe, expect, test } from "vitest";

import type { Channel, StateWord } from "../src/api/types";
import { byNumber, condition, needsAttention, plain, search, worstFirst } from "../src/channels/order";
import { recording } from "../src/channels/headline";
import { channel } from "./channel";

const town: Channel[] = [
  channel(1, "Cổng chợ", "recording"),
  channel(2, "Bến xe", "off"),
  channel(3, "Ga Hồ Xá", "no_disk"),
  channel(4, "Trường Đinh Tiên Hoàng", "recording", "waiting"),
  channel(15, "Cầu", "waiting"),
  channel(5, "Quảng trường", "connecting"),
];

describe("order of channels", () => {
  test("what needs a person stands first, what is off on purpose last", () => {
    expect(worstFirst(town).map((one) => one.number)).toEqual([3, 15, 5, 4, 1, 2]);
    expect(byNumber(town).map((one) => one.number)).toEqual([1, 2, 3, 4, 5, 15]);
  });

  test("a lost sub stream is a blemish of a channel that records", () => {
    const what = condition(town[3]!);
    expect(what).toMatchObject({ state: "waiting", partly: true });
    expect(needsAttention(what)).toBe(true);
  });

  test("the main track's fault is the channel's, whatever the sub stream does", () => {
    expect(condition(channel(1, "", "no_disk", "recording"))).toMatchObject({ state: "no_disk", partly: false });
  });

  test.each<[StateWord, boolean]>([
    ["recording", false],
    ["off", false],
    ["connecting", true],
    ["waiting", true],
    ["starting", true],
    ["no_disk", true],
    ["stopped", true],
  ])("%s needs attention: %s", (state, expected) => {
    expect(needsAttention(condition(channel(1, "", state)))).toBe(expected);
  });
});

test("what is odd about a camera that records needs attention, and is counted as recording", () => {
  const odd = channel(7, "", "recording");
  odd.tracks[0]!.remark = "coarse";
  expect(needsAttention(condition(odd))).toBe(true);
  expect(worstFirst([channel(1, "", "recording"), odd]).map((one) => one.number)).toEqual([7, 1]);
  expect(recording([odd])).toBe(1);
});

test("a state of a newer server needs attention and throws nothing", () => {
  const foreign = channel(9, "", "dreaming" as StateWord, "toString" as StateWord);
  expect(condition(foreign)).toMatchObject({ state: "dreaming", partly: false });
  expect(needsAttention(condition(foreign))).toBe(true);
  expect(worstFirst([...town, foreign]).map((one) => one.number)).toEqual([3, 9, 15, 5, 4, 1, 2]);
});

describe("search", () => {
  const found = (words: string): number[] => search(town, words).map((one) => one.number);

  test("accents and case do not matter", () => {
    expect(found("ho xa")).toEqual([3]);
    expect(found("CHỢ cổng")).toEqual([1]);
    expect(found("dinh")).toEqual([4]);
    expect(plain("Đường Đắk Lắk")).toBe("duong dak lak");
  });

  test("a number finds the channels that begin with it", () => {
    expect(found("1")).toEqual([1, 15]);
    expect(found("05")).toEqual([5]);
    expect(found("15")).toEqual([15]);
  });

  test("no words find all, strange words none", () => {
    expect(found("  ")).toHaveLength(town.length);
    expect(found("xyz")).toEqual([]);
  });
});
