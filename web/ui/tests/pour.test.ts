import { describe, expect, it } from "vitest";

import { percentOf, pour, remainingUs, type Poured, type Sink } from "../src/clip/pour";

/** A file in memory that remembers how it ended. */
class Memory implements Sink {
  bytes: number[] = [];
  ended = "";

  async write(data: Uint8Array<ArrayBuffer>): Promise<void> {
    this.bytes.push(...data);
  }

  async close(): Promise<void> {
    this.ended = "closed";
  }

  async abort(): Promise<void> {
    this.ended = "aborted";
  }
}

function answer(pieces: Uint8Array<ArrayBuffer>[], length: number | null, broken = false): Response {
  const body = new ReadableStream({
    pull(controller) {
      const piece = pieces.shift();
      if (piece) controller.enqueue(piece);
      else if (broken) controller.error(new TypeError("network"));
      else controller.close();
    },
  });
  return new Response(body, { headers: length === null ? {} : { "Content-Length": String(length) } });
}

describe("pour", () => {
  it("writes every piece, tells how far it is, and closes the file", async () => {
    const file = new Memory();
    const told: Poured[] = [];
    await pour(answer([new Uint8Array([1, 2]), new Uint8Array([3])], 3), file, (progress) => told.push(progress));
    expect(file.bytes).toEqual([1, 2, 3]);
    expect(told).toEqual([
      { done: 2, total: 3 },
      { done: 3, total: 3 },
    ]);
    expect(file.ended).toBe("closed");
  });

  it.each([
    ["cut off", () => answer([new Uint8Array([1])], 3, true)],
    ["shorter than promised", () => answer([new Uint8Array([1])], 3)],
  ])("does not let a file that is %s look whole", async (_, make) => {
    const file = new Memory();
    await expect(pour(make(), file, () => undefined)).rejects.toThrow();
    expect(file.ended).toBe("aborted");
  });

  it("takes an answer of unknown length", async () => {
    const file = new Memory();
    await pour(answer([new Uint8Array([9])], null), file, () => undefined);
    expect(file.ended).toBe("closed");
  });
});

describe("how far it is", () => {
  it("says 100 % only when all is there", () => {
    expect(percentOf({ done: 0, total: null })).toBe(0);
    expect(percentOf({ done: 999, total: 1000 })).toBe(99);
    expect(percentOf({ done: 1000, total: 1000 })).toBe(100);
  });

  it("guesses what is left from the speed so far, but not from the first second", () => {
    expect(remainingUs({ done: 25, total: 100 }, 500)).toBeNull();
    expect(remainingUs({ done: 25, total: 100 }, 2000)).toBe(6_000_000);
    expect(remainingUs({ done: 25, total: null }, 2000)).toBeNull();
  });
});
