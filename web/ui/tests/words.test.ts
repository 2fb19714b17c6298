import { describe, expect, test } from "vitest";

import { known } from "../src/api/known";
import type { MatterWord, ReasonWord, StateWord, VerdictWord } from "../src/api/types";
import { clipped, isolated, reasonWords, stateWords } from "../src/i18n/words";
import { matterWords } from "../src/troubles/words";

describe("words of the server", () => {
  test("a word that only the newer server knows is shown as such", () => {
    expect(stateWords({ state: "dreaming" as StateWord, partly: false, remark: null })).toContain("“dreaming”");
    expect(reasonWords("moon" as ReasonWord)).toContain("“moon”");
    expect(matterWords("flood" as MatterWord, 2)).toContain("“flood”");
  });

  test("no word of the program's own objects is taken for one of the table", () => {
    const table: Record<VerdictWord, number> = { found: 1, unsure: 2, alike: 3, unlike: 4, dark: 5, nothing: 6 };
    for (const word of ["toString", "constructor", "__proto__", ""]) expect(known(table, word as VerdictWord)).toBeUndefined();
    expect(known(table, "dark")).toBe(5);
  });

  test("every state has words of its own", () => {
    const states: Record<StateWord, true> = { recording: true, connecting: true, starting: true, waiting: true, no_disk: true, off: true, stopped: true };
    const said = Object.keys(states).map((state) => stateWords({ state: state as StateWord, partly: false, remark: null }));
    expect(new Set(said).size).toBe(said.length);
    expect(said.join()).not.toContain("“");
  });
});

describe("what others wrote", () => {
  test("is cut at 200 letters, never within one", () => {
    expect(clipped("a".repeat(200))).toBe("a".repeat(200));
    expect(clipped("🚦".repeat(5000))).toBe(`${"🚦".repeat(200)}…`);
  });

  test("stays within its isolate in a sentence of ours", () => {
    expect(isolated("\u202eabc")).toBe("\u2068\u202eabc\u2069");
  });
});
