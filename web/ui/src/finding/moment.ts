/** A picture of a camera: what a bookmark is put on. */

import type { KindWord } from "../api/types";

export const LONGEST_NOTE = 500; // characters, the server's limit

export interface Moment {
  channel: number;
  name: string;
  track: KindWord;
  at_us: number;
  /** Of time that was recorded more than once; none: the last. */
  take?: number | null;
}
