/** What every way of showing pictures (fragments, live, stills) promises to the viewer, and what it reports back. */

import type { Channel, ReasonWord, Source, StateWord } from "../api/types";
import type { Choice, Why } from "./choice";
import type { Shot } from "./snapshot";
import type { Hole } from "./table";
import type { Zoom } from "./zoom.svelte";

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
  /** The browser cannot decode this track, or not begin with what it has. */
  unsupported(why: Why): void;
  /** Something is wrong; it is tried again by itself. */
  trouble(what: Trouble | null): void;
  /** Live only: what the recorder says of the camera. */
  camera(state: StateWord, reason: ReasonWord | null, message: string): void;
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

/** Single pictures of the past: exact steps, backwards, fast, and under a moving pointer. */
export interface FilmEngine {
  show(atUs: number): void;
  /** `fromUs`: the picture on the screen. */
  step(direction: 1 | -1, fromUs: number): void;
  /** Negative: backwards. */
  run(speed: number, fromUs: number): void;
  scrub(atUs: number): void;
  stop(): void;
  dispose(): void;
}

/** What is to be shown, and the present. */
export interface Subject {
  channel: Channel;
  choice: Choice;
  /** Of time that was recorded more than once; null: the last. */
  take: number | null;
  nowUs(): number;
}

export function sourceOf({ channel, choice, take }: Subject): Source {
  return { channel: channel.number, track: choice.track, take };
}

/** Where pictures appear: one screen, or a wall of them. Makes the engines that the viewer drives. */
export interface Cast {
  live(subject: Subject, report: Report): { dispose(): void };
  past(subject: Subject, report: Report): PastEngine;
  film(subject: Subject, report: Report): FilmEngine;
  /** Keep the shown picture in sight while the next one comes; false: there is none to keep. */
  hold(subject: Subject, surface: "media" | "film"): boolean;
  /** The element with the shown picture, for a file; `atUs`: what the viewer takes it for. */
  shot(subject: Subject, surface: "media" | "film", atUs: number): Shot | null;
  /** Of the picture that keys are for. */
  readonly zoom: Zoom | null;
}

/** The clock that cameras play in step by; each sees it moved by its own clock's offset. */
export interface Step {
  /** Negative: backwards. */
  readonly speed: number;
  dueUs(nowMs: number): number;
  /** Pictures are late: whether the clock waits for them and goes on from an instant. */
  wait(atUs: number, nowMs: number): boolean;
  /** How far behind the clock the picture is; 0: in step. */
  behind(us: number): void;
}
