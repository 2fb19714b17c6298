import { describe, expect, it } from "vitest";

import { loadAll, nearestFirst } from "../src/thumbs/load";

/** Pictures that come when the test says so. */
class Desk {
  asked: string[] = [];
  #open = new Map<string, { give: (text: string) => void; refuse: () => void }>();

  fetchOne = (url: string): Promise<string> => {
    this.asked.push(url);
    return new Promise((give, refuse) => this.#open.set(url, { give, refuse: () => refuse(new Error(url)) }));
  };

  async answer(url: string, how: "give" | "refuse" = "give"): Promise<void> {
    this.#open.get(url)?.[how](url.toUpperCase());
    for (let turn = 0; turn < 5; turn++) await Promise.resolve();
  }
}

describe("loadAll", () => {
  it("asks for two at a time, in order, and tells of each as it comes", async () => {
    const desk = new Desk();
    const got: [string, string | null][] = [];
    const done = loadAll(["a", "b", "c", "d"], desk.fetchOne, (url, picture) => got.push([url, picture]), new AbortController().signal);
    expect(desk.asked).toEqual(["a", "b"]);
    await desk.answer("b");
    expect(desk.asked).toEqual(["a", "b", "c"]);
    await desk.answer("c", "refuse");
    await desk.answer("a");
    await desk.answer("d");
    await done;
    expect(got).toEqual([
      ["b", "B"],
      ["c", null],
      ["a", "A"],
      ["d", "D"],
    ]);
  });

  it("asks for nothing more and tells nothing more once it is told to stop", async () => {
    const desk = new Desk();
    const got: string[] = [];
    const cancel = new AbortController();
    const done = loadAll(["a", "b", "c", "d"], desk.fetchOne, (url) => got.push(url), cancel.signal);
    await desk.answer("a");
    cancel.abort();
    await desk.answer("b");
    await desk.answer("c", "refuse");
    await done;
    expect(desk.asked).toEqual(["a", "b", "c"]);
    expect(got).toEqual(["a"]);
  });
});

describe("nearestFirst", () => {
  it("begins where one looks", () => {
    const rows = [0, 10, 20, 30].map((at_us) => ({ at_us }));
    expect(nearestFirst(rows, 21).map(({ at_us }) => at_us)).toEqual([20, 30, 10, 0]);
  });
});
