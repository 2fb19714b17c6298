import { describe, expect, test } from "vitest";

import en from "../messages/en.json";
import vi from "../messages/vi.json";
import { commandOf, type Press, takesKeys } from "../src/shell/keys";
import { format, parse } from "../src/shell/route";

const press = (key: string, more: Partial<Press> = {}): Press => ({
  key,
  code: "",
  shiftKey: false,
  altKey: false,
  ctrlKey: false,
  metaKey: false,
  ...more,
});

describe("address", () => {
  test.each(["#/", "#/7", "#/7/1795000000000000", "#/coverage", "#/bookmarks", "#/find/7/1795000000000000", "#/wall", "#/wall/3,7", "#/wall/3,7/1795000000000000", "#/7/1795000000000000?take=1", "#/wall/3,7/1795000000000000?take=2"])("%s is read and written the same", (hash) => {
    expect(format(parse(hash))).toBe(hash);
  });

  test.each(["", "#", "#/x", "#/7/soon", "#/-1", "#/7/1/2", "#/7?take=1", "#/7/1795000000000000?take=0", "#/coverage/7", "#/wall/x", "#/wall/1,2,3,4,5,6,7,8,9,10,11,12,13,14,15,16,17"])("nonsense %j is the list", (hash) => {
    expect(parse(hash)).toEqual({ page: "watch", channel: null, at_us: null });
  });
});

describe("keys", () => {
  test("J plays backwards, Shift + F is for one camera, Alt + Shift + arrows move the picture", () => {
    expect(commandOf(press("j", { code: "KeyJ" }))).toBe("reverse");
    expect(commandOf(press("F", { code: "KeyF", shiftKey: true }))).toBe("fullscreenOne");
    expect(commandOf(press("ArrowUp", { altKey: true, shiftKey: true }))).toBe("pictureUp");
  });

  test("arrows go by ten seconds, with Shift by a minute, with Alt they move the timeline", () => {
    expect(commandOf(press("ArrowLeft"))).toBe("back10");
    expect(commandOf(press("ArrowRight", { shiftKey: true }))).toBe("forwardMinute");
    expect(commandOf(press("ArrowLeft", { altKey: true }))).toBe("panBack");
  });

  test("letters go by their place, so that an input method does not eat them", () => {
    expect(commandOf(press("ư", { code: "KeyL" }))).toBe("live");
    expect(commandOf(press("Process", { code: "KeyI" }))).toBe("markIn");
  });

  test("keys of the browser stay the browser's", () => {
    expect(commandOf(press("l", { code: "KeyL", ctrlKey: true }))).toBeNull();
    expect(commandOf(press("F5", { code: "F5" }))).toBeNull();
    expect(commandOf(press("Tab", { code: "Tab" }))).toBeNull();
  });

  test("a field keeps its letters, a button its space", () => {
    expect(takesKeys("INPUT", "live")).toBe(true);
    expect(takesKeys("BUTTON", "toggle")).toBe(true);
    expect(takesKeys("BUTTON", "live")).toBe(false);
    expect(takesKeys("CANVAS", "toggle")).toBe(false);
  });
});

describe("messages", () => {
  test("both languages say the same things with the same blanks", () => {
    expect(Object.keys(vi)).toEqual(Object.keys(en));
    const blanks = (text: string): string[] => [...text.matchAll(/\{(\w+)\}/g)].map((found) => found[1]!).sort();
    for (const key of Object.keys(vi) as (keyof typeof vi)[]) expect(blanks(vi[key]), key).toEqual(blanks(en[key]));
  });
});
