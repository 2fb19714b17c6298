import { describe, expect, test } from "vitest";

import type { Channel } from "../src/api/types";
import { headline, recording } from "../src/channels/headline";
import { worstFirst } from "../src/channels/order";
import { channel } from "./channel";

const fresh = { at_us: 1, problem: null, stale: false };
const well = channel(1, "", "recording");

describe("the heading of the list", () => {
  test.each<[string, Channel[], string]>([
    ["all record", [well, channel(2, "", "off")], "well"],
    ["nothing is configured", [], "empty"],
    ["everything is switched off", [channel(2, "", "off")], "off"],
    ["one has no disk", [well, channel(2, "", "no_disk")], "trouble"],
    ["one begins", [well, channel(2, "", "starting")], "trouble"],
    ["one lost its sub stream", [channel(2, "", "recording", "waiting")], "trouble"],
  ])("%s", (_what, list, kind) => {
    expect(headline(list, fresh).kind).toBe(kind);
  });

  test("what is not known is never said to be well", () => {
    expect(headline([], { at_us: null, problem: null, stale: false }).kind).toBe("loading");
    expect(headline([], { at_us: null, problem: new Error(), stale: false }).kind).toBe("failed");
    expect(headline([well], { at_us: 1, problem: new Error(), stale: true }).kind).toBe("old");
  });

  test("a camera that was taken out of the list is neither well nor ill", () => {
    const gone = { ...channel(9, "", "off"), removed: true };
    expect(headline([well, gone], fresh).kind).toBe("well");
    expect(headline([gone], fresh).kind).toBe("empty");
    expect(worstFirst([gone, channel(2, "", "off"), well]).map((one) => one.number)).toEqual([1, 2, 9]);
  });

  test("a camera that records its main picture is counted, whatever the small one does", () => {
    expect(recording([well, channel(2, "", "recording", "waiting"), channel(3, "", "no_disk", "recording"), channel(4, "", "off")])).toBe(2);
  });
});
