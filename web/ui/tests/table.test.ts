import { describe, expect, test } from "vitest";

import type { ChunkTable, FragmentRow, Fragments, Gap } from "../src/api/types";
import { FragmentTable } from "../src/player/table";

const S = 1_000_000;

/** A chunk of fragments of 500 ms, a sync fragment every 2 s, 300 kB each. */
function chunk(name: string, startS: number, seconds: number, sealed = true, from = 0): ChunkTable {
  const fragments = Array.from({ length: seconds * 2 }, (_, index): FragmentRow => {
    const offset = 1_000 + index * 300_000;
    return [offset, offset + 300_000, index * 45_000, 45_000, startS * S + index * 500_000, index % 4 === 0 ? 1 : 0];
  }).slice(from);
  return {
    start_us: startS * S,
    end_us: (startS + seconds) * S,
    init_url: `${name}/init.mp4`,
    media_url: `${name}/media.mp4`,
    codec: "avc1.4d4028",
    width: 640,
    height: 360,
    composition_delay_90k: 0,
    sealed,
    coarse: false,
    clock_doubtful: false,
    fragments,
  };
}

function answer(chunks: ChunkTable[], more: Partial<Fragments> = {}): Fragments {
  return { track: "main", from_us: 0, to_us: 60 * S, now_us: 999 * S, previous_us: null, next_us: null, chunks, gaps: [], twice: [], damaged: [], names: [], ...more };
}

function table(...chunks: ChunkTable[]): FragmentTable {
  const made = new FragmentTable();
  made.add(answer(chunks));
  return made;
}

describe("fragment table", () => {
  test("the fragment of an instant is the one that shows it", () => {
    const made = table(chunk("a", 10, 10), chunk("b", 20, 10));
    expect(made.indexAt(10 * S)).toBe(0);
    expect(made.indexAt(10.499999 * S)).toBe(0);
    expect(made.indexAt(10.5 * S)).toBe(1);
    expect(made.indexAt(20 * S)).toBe(20);
    expect(made.indexAt(9.9 * S)).toBeNull();
  });

  test("a hole shorter than a tenth of a second belongs to the picture before it", () => {
    const made = table(chunk("a", 10, 10), { ...chunk("b", 20, 10), fragments: chunk("b", 20, 10).fragments.map((row) => [...row.slice(0, 4), row[4] + 80_000, row[5]] as FragmentRow) });
    expect(made.indexAt(20.05 * S)).toBe(19);
    expect(made.indexAt(20.08 * S)).toBe(20);
  });

  test("a long group of pictures goes on over the border of chunks", () => {
    const rest = chunk("b", 20, 10);
    const made = table(chunk("a", 10, 10), { ...rest, fragments: rest.fragments.map((row) => [...row.slice(0, 5), 0] as unknown as FragmentRow) });
    expect(made.syncBefore(23)).toBe(16);
    expect(made.syncBefore(39)).toBe(16);
  });

  test("decoding starts at the sync fragment before, never beyond a hole", () => {
    const made = table(chunk("a", 10, 10), chunk("b", 20, 10, true, 2)); // b begins without a sync fragment
    expect(made.syncBefore(6)).toBe(4);
    expect(made.syncBefore(4)).toBe(4);
    expect(made.syncBefore(21)).toBe(20);
  });

  test("a portion is one piece of one file, not more than two mebibytes", () => {
    const made = table(chunk("a", 10, 3), chunk("b", 13, 10));
    const first = made.portion(0)!;
    expect([first.offset, first.end, first.next]).toEqual([1_000, 1_801_000, 6]);
    const second = made.portion(6)!;
    expect(second.chunk.media_url).toBe("b/media.mp4");
    expect(second.end - second.offset).toBeLessThanOrEqual(2 << 20);
    expect(made.portion(26)).toBeNull();
  });

  test("portions cover every fragment once and in order", () => {
    const made = table(chunk("a", 10, 7), chunk("b", 17, 9));
    const seen: number[] = [];
    for (let at = 0; ; ) {
      const portion = made.portion(at);
      if (!portion) break;
      for (let index = at; index < portion.next; index++) seen.push(index);
      at = portion.next;
    }
    expect(seen).toEqual(made.pieces.map((_, index) => index));
  });

  test("a growing chunk is known again by its name, also when it was sealed and its start has moved", () => {
    const made = new FragmentTable();
    made.add(answer([chunk("a", 10, 4, false)]));
    const grown = { ...chunk("a", 10, 6, true, 7), start_us: 10 * S + 900 };
    expect(made.add(answer([grown]))).toBe(4);
    expect(made.pieces).toHaveLength(12);
    expect(new Set(made.pieces.map((piece) => piece.chunk)).size).toBe(1);
    expect(made.add(answer([grown]))).toBe(0);
  });

  test("footage missing before a piece is seen, a hole too small to see is not", () => {
    const made = table(chunk("a", 10, 2), chunk("b", 12, 2), chunk("c", 20, 2));
    expect(made.pieces.map((_, index) => made.afterHole(index)).indexOf(true)).toBe(8);
    expect(made.afterHole(4)).toBe(false);
  });

  test("a hole between chunks has its ends and its reason", () => {
    const gap: Gap = { start_us: 20 * S, end_us: 35 * S, reason: "network", detail: "no route to host", open: false };
    const made = new FragmentTable();
    made.add(answer([chunk("a", 10, 10), chunk("b", 35, 5)], { gaps: [gap] }));
    expect(made.indexAt(25 * S)).toBeNull();
    expect(made.hole(25 * S)).toEqual({ from_us: 20 * S, to_us: 35 * S, gap });
  });

  test("a hole wider than the window ends where the server says", () => {
    const made = new FragmentTable();
    made.add(answer([], { previous_us: 5 * S, next_us: 500 * S }));
    expect(made.hole(30 * S)).toEqual({ from_us: 5 * S, to_us: 500 * S, gap: null });
  });

  test("a camera without footage has a hole without ends", () => {
    expect(table().hole(30 * S)).toEqual({ from_us: null, to_us: null, gap: null });
  });
});
