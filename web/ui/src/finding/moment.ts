/** A picture of a camera: what a bookmark is put on. */

import type { TrackKind } from "../api/types";

export const LONGEST_NOTE = 500; // characters, the server's limit

export interface Moment {
  channel: number;
  name: string;
  track: TrackKind;
  at_us: number;
}
