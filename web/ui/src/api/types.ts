/**
 * The server's answers as the page calls them. All of them come from the server's own description (`described.ts`), so
 * that the compiler finds what the page does not know. Times are integers: microseconds UTC (`_us`) or 90 kHz ticks
 * (`_90k`); all fit a number exactly.
 */

import type { BisectFinding, BisectProgress, KindWord, LiveInit, LiveSkip, LiveState, MotionEnd, MotionProgress, MotionStretch, Problem } from "./described";

export type * from "./described";
export type { ChannelState as Channel, Promise as Kept, SampleTable as SampleChunk } from "./described";

/** A half-open stretch of wall time: [start_us, end_us). */
export type Span = [start_us: number, end_us: number];

/** Which footage: a track of a camera, and of time that was recorded more than once which take (from 1); null: the last. */
export interface Source {
  readonly channel: number;
  readonly track: KindWord;
  readonly take: number | null;
}

/** One moof + mdat: its bytes [offset, end) of the chunk's media, its place in the chunk and in wall time. */
export type FragmentRow = [
  offset: number,
  end: number,
  decode_90k: number,
  duration_90k: number,
  presentation_us: number,
  sync: number,
];

/** One sample: its bytes in the chunk's media, the wall time of its picture, and 1 if it decodes alone. */
export type SampleRow = [offset: number, size: number, shown_us: number, sync: number];

/** Text messages of the live WebSocket; binary messages are the init segment and then fragments. */
export type LiveMessage = LiveInit | LiveSkip | LiveState;

/** Text messages of a search's socket. */
export type BisectMessage = BisectProgress | BisectFinding | Problem;

/** Text messages of a motion search's socket, stretches by time. */
export type MotionMessage = MotionProgress | MotionStretch | MotionEnd | Problem;
