/** What every way of showing pictures (fragments, live, stills) promises to the viewer, and what it reports back. */

import type { GapReason, TrackState } from "../api/types";
import type { Hole } from "./table";

export interface Report {
  /** Nothing to see yet: data is on its way. */
  loading(): void;
  /** A picture of this wall time is on the screen. */
  picture(atUs: number): void;
  /** The instant asked for has no footage. */
  hole(hole: Hole): void;
  /** Playing went across a stretch without footage. */
  skipped(hole: Hole): void;
  /** Playing has come to the present. */
  reachedNow(): void;
  /** The browser cannot decode this track. */
  unsupported(codec: string): void;
  /** Something is wrong; it is tried again by itself. */
  trouble(what: Trouble | null): void;
  /** Live only: what the recorder says of the camera. */
  camera(state: TrackState, reason: GapReason | null, message: string): void;
}

export type Trouble =
  | { kind: "unreachable" } // the server does not answer
  | { kind: "silent"; since_ms: number } // connected, but no new picture (performance.now())
  | { kind: "damaged" } // bytes that no decoder takes
  | { kind: "server"; message: string; hint: string };

/** Footage of the past. */
export interface PastEngine {
  seek(atUs: number): void;
  play(): void;
  pause(): void;
  setSpeed(speed: number): void;
  dispose(): void;
}
