/**
 * The fragment table of one track: what there is to play, grown window by window. Pure.
 *
 * The table answers: which fragment shows an instant, what comes next, where is a gap. It never fetches.
 */

import type { ChunkTable, Fragments, Gap } from "../api/types";
import { HOLE_US } from "../timeline/coverage";

/** The facts that all fragments of a chunk share. `media_url` is its name: `start_us` may still move while it grows. */
export interface ChunkFacts {
  start_us: number;
  init_url: string;
  media_url: string;
  codec: string;
}

export interface Piece {
  chunk: ChunkFacts;
  offset: number;
  end: number;
  /** Wall time of its first picture … of the end of its last. */
  from_us: number;
  to_us: number;
  sync: boolean;
}

/** A request for bytes: fragments of one chunk that lie one behind the other. */
export interface Portion {
  chunk: ChunkFacts;
  offset: number;
  end: number;
  from_us: number;
  to_us: number;
  /** Index of the piece after the last one taken. */
  next: number;
}

const BYTES_AT_ONCE = 2 << 20; // chosen: 4 s of a 4 Mbit/s camera; a seek throws at most this away
const US_PER_TICK = 1_000_000 / 90_000;

export class FragmentTable {
  readonly pieces: Piece[] = [];
  gaps: Gap[] = [];
  previous_us: number | null = null;
  next_us: number | null = null;
  readonly #chunks = new Map<string, ChunkFacts>();

  /** Take in an answer whose window continues the table (or begins it). Gives the number of new pieces. */
  add(answer: Fragments): number {
    const before = this.pieces.length;
    for (const chunk of answer.chunks) this.#addChunk(chunk);
    this.gaps = mergeGaps(this.gaps, answer.gaps);
    if (before === 0) this.previous_us = answer.previous_us;
    this.next_us = answer.next_us;
    return this.pieces.length - before;
  }

  /** Index of the fragment that shows an instant; null in a gap. A hole too small to see belongs to the picture before it. */
  indexAt(atUs: number): number | null {
    let found: number | null = null;
    for (let index = 0; index < this.pieces.length; index++) {
      const piece = this.pieces[index]!;
      if (piece.from_us > atUs) break;
      if (atUs < piece.to_us + HOLE_US) found = index;
    }
    return found;
  }

  /**
   * The fragment to start decoding at for one that shows an instant: the nearest sync fragment before it. A long group of
   * pictures goes on over the border of chunks where nothing is missing between them.
   */
  syncBefore(index: number): number {
    for (let at = index; at >= 0; at--) {
      if (this.pieces[at]!.sync || at === 0 || this.afterHole(at)) return at;
    }
    return index;
  }

  /** Whether footage is missing right before a piece. */
  afterHole(index: number): boolean {
    const [before, piece] = [this.pieces[index - 1], this.pieces[index]];
    return before !== undefined && piece !== undefined && piece.from_us - before.to_us >= HOLE_US;
  }

  /** What to fetch next, beginning with a piece and going no further than `last`; null at the end of the table. */
  portion(index: number, last_index = Infinity): Portion | null {
    const first = this.pieces[index];
    if (!first) return null;
    let last = first;
    let next = index + 1;
    for (; next < this.pieces.length && next <= last_index; next++) {
      const piece = this.pieces[next]!;
      if (piece.chunk !== first.chunk || piece.offset !== last.end || piece.end - first.offset > BYTES_AT_ONCE) break;
      last = piece;
    }
    return { chunk: first.chunk, offset: first.offset, end: last.end, from_us: first.from_us, to_us: last.to_us, next };
  }

  /** The stretch without footage around an instant that has none, with the reasons known for it. */
  hole(atUs: number): Hole {
    let from: number | null = this.previous_us;
    let to: number | null = this.next_us;
    for (const piece of this.pieces) {
      if (piece.to_us <= atUs) from = Math.max(from ?? 0, piece.to_us);
      if (piece.from_us > atUs) {
        to = piece.from_us;
        break;
      }
    }
    const gaps = this.gaps.filter((gap) => gap.start_us <= (to ?? Infinity) && gap.end_us >= (from ?? 0) && covers(gap, atUs));
    return { from_us: from, to_us: to, gap: gaps[0] ?? null };
  }

  #addChunk(answer: ChunkTable): void {
    let chunk = this.#chunks.get(answer.media_url);
    if (!chunk) {
      chunk = {
        start_us: answer.start_us,
        init_url: answer.init_url,
        media_url: answer.media_url,
        codec: answer.codec,
      };
      this.#chunks.set(answer.media_url, chunk);
    }
    const known = new Set(this.pieces.filter((piece) => piece.chunk === chunk).map((piece) => piece.offset));
    for (const [offset, end, , duration_90k, presentation_us, sync] of answer.fragments) {
      if (known.has(offset)) continue;
      const to_us = Math.round(presentation_us + duration_90k * US_PER_TICK);
      this.pieces.push({ chunk, offset, end, from_us: presentation_us, to_us, sync: sync === 1 });
    }
  }
}

/** No footage from … to …; null where nothing is known on that side. */
export interface Hole {
  from_us: number | null;
  to_us: number | null;
  gap: Gap | null;
}

function covers(gap: Gap, atUs: number): boolean {
  return gap.start_us - HOLE_US <= atUs && (gap.open || atUs < gap.end_us + HOLE_US);
}

function mergeGaps(old: readonly Gap[], more: readonly Gap[]): Gap[] {
  const byStart = new Map(old.map((gap) => [gap.start_us, gap]));
  for (const gap of more) byStart.set(gap.start_us, gap);
  return [...byStart.values()].sort((a, b) => a.start_us - b.start_us);
}
