/**
 * The sample table of one track, grown window by window: which picture is it at T, which comes before and behind it. Pure.
 *
 * A picture is a *place*: a group of pictures that decodes by itself, and the picture's rank in it by the time it is shown.
 */

import type { Gap, SampleChunk, SampleRow, Samples, Span } from "../api/types";
import { HOLE_US } from "../timeline/coverage";
import { SECOND_US } from "../time/units";

export type ChunkFacts = Omit<SampleChunk, "samples">;

export interface Group {
  readonly chunk: ChunkFacts;
  /** In decoding order; the first decodes alone. */
  readonly rows: readonly SampleRow[];
  /** When its pictures are shown, ascending, µs. */
  readonly shown: readonly number[];
}

export interface Place {
  readonly group: Group;
  readonly index: number;
}

/** No footage from … to …; null where nothing is known on that side. */
export interface Missing {
  from_us: number | null;
  to_us: number | null;
  gap: Gap | null;
}

const SETTLED_US = 15 * SECOND_US; // what was recorded longer ago than this before now is on the disk
const NEAR_US = 1_500; // a picture's time as a media element tells it may be rounded by so much

export function shownUs(place: Place): number {
  return place.group.shown[place.index]!;
}

/** Its name among all groups of a track; a group that has grown since has another. */
export function groupKey(group: Group): string {
  return `${group.chunk.media_url}#${group.rows[0]![0]}+${group.rows.length}`;
}

/** The pictures of a chunk in groups that decode by themselves. Pictures that lead a CRA belong to the group before it. */
export function groupsOf(answer: SampleChunk): Group[] {
  const { samples, ...chunk } = answer;
  const starts: number[] = [];
  samples.forEach((row, at) => {
    if (row[3] === 1 && !leads(samples, at)) starts.push(at);
  });
  return starts.map((start, number) => {
    const rows = samples.slice(start, starts[number + 1] ?? samples.length);
    return { chunk, rows, shown: rows.map((row) => row[2]).sort((a, b) => a - b) };
  });
}

function leads(samples: readonly SampleRow[], sync: number): boolean {
  for (let at = sync + 1; at < samples.length && samples[at]![3] !== 1; at++) {
    if (samples[at]![2] < samples[sync]![2]) return sync > 0;
  }
  return false;
}

export class SampleTable {
  #groups: Group[] = []; // by time
  #known: Span[] = []; // all footage in these is in #groups
  #gaps = new Map<number, Gap>();

  get size(): number {
    return this.#groups.length;
  }

  /** Take in a window. */
  add(answer: Samples): void {
    for (const gap of answer.gaps) this.#gaps.set(gap.start_us, gap);
    for (const chunk of answer.chunks) this.#take(groupsOf(chunk));
    this.#groups.sort((a, b) => a.shown[0]! - b.shown[0]!);
    const last = answer.chunks.at(-1)?.samples.reduce((late, row) => Math.max(late, row[2]), 0) ?? 0;
    const settled = Math.max(last, answer.now_us - SETTLED_US);
    const to = answer.next_us ?? Math.min(answer.to_us, settled);
    this.#learn([answer.previous_us ?? Math.min(0, answer.from_us), Math.max(answer.from_us, to)]);
  }

  /** Whether what is told about an instant is the truth. */
  knows(atUs: number): boolean {
    return this.#known.some(([from, to]) => from <= atUs && atUs <= to);
  }

  /** The picture on the screen at an instant; null where there is none. */
  at(atUs: number): Place | null {
    const number = this.#before(atUs + NEAR_US);
    const group = this.#groups[number];
    if (!group) return null;
    if (atUs >= group.chunk.end_us + HOLE_US) return null;
    let index = group.shown.length - 1;
    while (index > 0 && group.shown[index]! > atUs + NEAR_US) index--;
    return { group, index };
  }

  /** The picture nearest to an instant within footage that covers it: for tables of sync samples. */
  near(atUs: number): Place | null {
    const before = this.at(atUs);
    const next = this.#groups[this.#before(atUs) + 1];
    const covers = next && next.chunk.start_us - HOLE_US <= atUs;
    if (!covers) return before;
    const after = { group: next, index: 0 };
    return before && atUs - shownUs(before) <= next.shown[0]! - atUs ? before : after;
  }

  /** The next picture (1) or the one before (−1); null: all footage ends here; undefined: not told yet. */
  beside(place: Place, direction: 1 | -1): Place | null | undefined {
    const index = place.index + direction;
    if (index >= 0 && index < place.group.shown.length) return { group: place.group, index };
    const here = this.#before(place.group.shown[0]!);
    const now = this.#groups[here]; // the group may have grown since
    if (direction === 1 && now && now.shown.length > index) return { group: now, index };
    const other = this.#groups[here + direction];
    const [a, b] = [shownUs(place), other ? other.shown[direction === 1 ? 0 : other.shown.length - 1]! : null];
    if (b === null) return this.#endKnown(a, direction) ? null : undefined;
    if (!this.#between(Math.min(a, b), Math.max(a, b))) return undefined;
    return { group: other!, index: direction === 1 ? 0 : other!.shown.length - 1 };
  }

  /** The stretch without footage around an instant, or between two pictures. */
  hole(atUs: number): Missing {
    const number = this.#before(atUs);
    const from = this.#groups[number]?.chunk.end_us ?? null;
    const to = this.#groups[number + 1]?.shown[0] ?? this.#nextKnown(atUs);
    const covers = (gap: Gap): boolean => gap.start_us - HOLE_US <= atUs && (gap.open || atUs < gap.end_us + HOLE_US);
    return { from_us: from, to_us: to, gap: [...this.#gaps.values()].find(covers) ?? null };
  }

  #nextKnown(atUs: number): number | null {
    const to = this.#known.find(([from, end]) => from <= atUs && atUs < end)?.[1] ?? null;
    return to !== null && to > atUs && to < Number.MAX_SAFE_INTEGER && !this.#groups.length ? to : null;
  }

  #take(groups: readonly Group[]): void {
    for (const group of groups) {
      // A group that grows over a file's border has another address then.
      const same = (old: Group): boolean =>
        old.shown[0] === group.shown[0] || (identity(old) === identity(group) && old.rows[0]![0] === group.rows[0]![0]);
      const at = this.#groups.findIndex(same);
      if (at < 0) this.#groups.push(group);
      else if (this.#groups[at]!.rows.length <= group.rows.length) this.#groups[at] = group;
    }
  }

  /** The number of the last group that begins no later; −1: none. */
  #before(atUs: number): number {
    let [low, high] = [0, this.#groups.length];
    while (low < high) {
      const middle = (low + high) >> 1;
      if (this.#groups[middle]!.shown[0]! <= atUs) low = middle + 1;
      else high = middle;
    }
    return low - 1;
  }

  #between(from: number, to: number): boolean {
    return this.#known.some((span) => span[0] <= from + NEAR_US && to <= span[1] + NEAR_US);
  }

  /** Whether nothing at all comes before. What comes behind is never known: it is being recorded. */
  #endKnown(atUs: number, direction: 1 | -1): boolean {
    return direction === -1 && this.#known.some(([from, to]) => from <= 0 && atUs <= to);
  }

  #learn(span: Span): void {
    const apart = this.#known.filter(([from, to]) => to < span[0] || from > span[1]);
    const touching = this.#known.filter(([from, to]) => to >= span[0] && from <= span[1]);
    const whole: Span = [Math.min(span[0], ...touching.map((one) => one[0])), Math.max(span[1], ...touching.map((one) => one[1]))];
    this.#known = [...apart, whole].sort((a, b) => a[0] - b[0]);
  }
}

/** Run and sequence name a chunk; its start, which also stands in the address, may move while it grows. */
function identity(group: Group): string {
  const url = group.chunk.media_url;
  return url.slice(url.indexOf("-"));
}
