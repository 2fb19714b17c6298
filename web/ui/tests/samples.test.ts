import { describe, expect, test } from "vitest";

import type { SampleChunk, SampleRow, Samples } from "../src/api/types";
import { groupsOf, SampleTable, shownUs } from "../src/decode/table";

const S = 1_000_000;

/** `seconds` of 10 pictures a second, a sync sample each second. */
function chunk(startS: number, seconds: number, more: Partial<SampleChunk> = {}): SampleChunk {
  const samples = Array.from({ length: seconds * 10 }, (_, n): SampleRow => [1_000 * n, 900, startS * S + n * 100_000, n % 10 ? 0 : 1]);
  const [start_us, end_us] = [startS * S, (startS + seconds) * S];
  return { start_us, end_us, media_url: `/media/1/main/${start_us}-1-${startS}/media.mp4`, codec: "avc1", description: "", width: 16, height: 16, sealed: true, coarse: false, samples, ...more };
}

function answer(fromS: number, toS: number, chunks: SampleChunk[], more: Partial<Samples> = {}): Samples {
  return { track: "main", from_us: fromS * S, to_us: toS * S, now_us: 9_999 * S, previous_us: null, next_us: null, chunks, gaps: [], ...more };
}

function table(...answers: Samples[]): SampleTable {
  const made = new SampleTable();
  answers.forEach((one) => made.add(one));
  return made;
}

describe("the sample table", () => {
  test("tells the picture of an instant to the microsecond, and none in a gap", () => {
    const it = table(answer(100, 110, [chunk(100, 4)]));
    expect(shownUs(it.at(101.25 * S)!)).toBe(101.2 * S);
    expect(shownUs(it.at(103.99 * S)!)).toBe(103.9 * S);
    expect(it.at(99 * S)).toBeNull();
    expect(it.at(105 * S)).toBeNull();
  });

  test("steps across groups and chunks, both ways, without leaving out or repeating", () => {
    const it = table(answer(100, 104, [chunk(100, 2), chunk(102, 2)]));
    const seen: number[] = [];
    for (let here = it.at(100 * S); here; here = it.beside(here, 1) ?? null) seen.push(shownUs(here));
    expect(seen).toEqual(Array.from({ length: 40 }, (_, n) => 100 * S + n * 100_000));
    const back: number[] = [];
    for (let here = it.at(103.95 * S); here; here = it.beside(here, -1) ?? null) back.push(shownUs(here));
    expect(back).toEqual(seen.reverse());
  });

  test("does not step over what it was not told", () => {
    const it = table(answer(100, 102, [chunk(100, 2)], { next_us: 102 * S }), answer(110, 112, [chunk(110, 2)], { previous_us: 110 * S }));
    expect(it.beside(it.at(101.95 * S)!, 1)).toBeUndefined();
    it.add(answer(102, 110, [chunk(102, 1)], { previous_us: 102 * S, next_us: 110 * S }));
    expect(shownUs(it.beside(it.at(101.95 * S)!, 1)!)).toBe(102 * S);
    expect(shownUs(it.beside(it.at(102.95 * S)!, 1)!)).toBe(110 * S);
  });

  test("knows where all footage begins, but never that it ends", () => {
    const it = table(answer(99, 104, [chunk(100, 2)]));
    expect(it.beside(it.at(100 * S)!, -1)).toBeNull();
    expect(it.beside(it.at(101.95 * S)!, 1)).toBeUndefined();
  });

  test("lets a group grow, though the start of its chunk moves", () => {
    const young = chunk(100, 1, { sealed: false });
    const it = table(answer(100, 102, [{ ...young, samples: young.samples.slice(0, 5) }], { now_us: 101 * S }));
    it.add(answer(100, 102, [{ ...young, media_url: "/media/1/main/100000007-1-100/media.mp4" }], { now_us: 102 * S }));
    expect(it.size).toBe(1);
    expect(shownUs(it.beside(it.at(100.4 * S)!, 1)!)).toBe(100.5 * S);
  });

  test("gives leading pictures to the group they need", () => {
    const rows: SampleRow[] = [[0, 1, 10, 1], [1, 1, 20, 0], [2, 1, 50, 1], [3, 1, 30, 0], [4, 1, 40, 0]];
    expect(groupsOf({ ...chunk(0, 0), samples: rows }).map((group) => group.shown)).toEqual([[10, 20, 30, 40, 50]]);
  });

  test("finds the sync sample nearest to an instant, on either side", () => {
    const whole = chunk(100, 4);
    const it = table(answer(90, 110, [{ ...whole, samples: whole.samples.filter((row) => row[3] === 1) }]));
    expect(shownUs(it.near(101.4 * S)!)).toBe(101 * S);
    expect(shownUs(it.near(101.6 * S)!)).toBe(102 * S);
    expect(it.near(98 * S)).toBeNull();
  });
});
