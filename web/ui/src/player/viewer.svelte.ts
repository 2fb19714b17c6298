/** What is on the screen: one channel, live or at an instant. The page reads this; the engines report to it. */

import type { Channel, GapReason, TrackKind, TrackState } from "../api/types";
import { Live } from "../live/live";
import { clock } from "../time/clock.svelte";
import { SECOND_US } from "../time/units";
import { type Choice, choose, fallback } from "./choice";
import type { PastEngine, Report, Trouble } from "./engine";
import { Playback } from "./playback";
import { canPlay } from "./sink";
import { Stills } from "./stills";
import type { Hole } from "./table";

export const SPEEDS = [0.5, 1, 2, 4] as const;

export type Phase = "idle" | "loading" | "showing" | "hole";

export interface CameraWord {
  state: TrackState;
  reason: GapReason | null;
  message: string;
}

/** The elements that pictures appear on. */
export interface Screen {
  video: HTMLVideoElement;
  image: HTMLImageElement;
  /** Keeps the last picture while the next one of the same camera is on its way. */
  held: HTMLCanvasElement;
}

const LATE_FOR_LIVE_US = 2 * SECOND_US; // asking for later than this before now means live
const LEAP_SHOWN_MS = 6_000;

class Viewer {
  channel = $state.raw<Channel | null>(null);
  choice = $state.raw<Choice>({ track: "main", how: "media", because: null });
  mode = $state<"live" | "past">("live");
  phase = $state<Phase>("idle");
  paused = $state(false);
  speed = $state(1);
  /** Wall time of the shown picture; null: none is shown. */
  picture_us = $state<number | null>(null);
  /** Where the cursor stands: the picture, or the instant asked for. */
  cursor_us = $state(0);
  hole = $state.raw<Hole | null>(null);
  leap = $state.raw<Hole | null>(null);
  trouble = $state.raw<Trouble | null>(null);
  camera = $state.raw<CameraWord | null>(null);
  /** A picture of before stands in for the one on its way. */
  holding = $state(false);
  wanted = $state<TrackKind>("main");

  #screen: Screen | null = null;
  #live: Live | Stills | null = null;
  #past: PastEngine | null = null;
  #generation = 0;
  #leapTimer: ReturnType<typeof setTimeout> | undefined;

  attach(screen: Screen): () => void {
    this.#screen = screen;
    if (this.channel) this.#begin();
    return () => {
      this.#stop();
      this.#screen = null;
    };
  }

  /** Show a channel, live or from an instant. */
  open(channel: Channel, atUs: number | null): void {
    const other = channel.number !== this.channel?.number;
    this.channel = channel;
    if (other) {
      this.#stop();
      this.holding = false; // never a picture of another camera
      this.picture_us = null;
      this.camera = null;
      this.choice = choose(channel, this.wanted, canPlay);
    }
    if (atUs === null) this.goLive();
    else this.seek(atUs);
  }

  /** Newer facts about the channel that is shown. */
  refresh(channel: Channel): void {
    this.channel = channel;
  }

  close(): void {
    this.#stop();
    this.channel = null;
    this.phase = "idle";
    this.picture_us = null;
  }

  goLive(): void {
    if (this.mode === "live" && this.#live) return;
    this.mode = "live";
    this.paused = false;
    this.speed = 1;
    this.#begin();
  }

  /** Show the picture of an instant; keeps playing or standing as it was. */
  seek(atUs: number): void {
    const now = clock.nowUs();
    if (atUs > now - LATE_FOR_LIVE_US) {
      this.goLive();
      return;
    }
    this.cursor_us = Math.round(atUs);
    if (this.mode === "past" && this.#past) {
      this.#hold();
      this.hole = null;
      this.#past.seek(this.cursor_us);
    } else {
      this.mode = "past";
      this.#begin();
    }
  }

  /** Seconds forwards or backwards from the shown picture. */
  move(seconds: number): void {
    if (this.mode === "live" && seconds > 0) return;
    this.seek((this.mode === "live" ? (this.picture_us ?? clock.nowUs()) : this.cursor_us) + seconds * SECOND_US);
  }

  /** One picture forwards (1) or backwards (−1), standing still. */
  step(direction: 1 | -1): void {
    const at = this.picture_us;
    if (at === null) return;
    const fps = this.channel?.tracks.find((track) => track.kind === this.choice.track)?.fps_milli ?? 25_000;
    const frame = 1e9 / Math.max(1_000, fps);
    this.pause();
    this.seek(at + (direction === 1 ? 1.5 : -0.5) * frame);
  }

  toggle(): void {
    if (this.paused || this.phase === "hole") this.play();
    else this.pause();
  }

  play(): void {
    this.paused = false;
    if (this.phase === "hole") this.toNextFootage();
    else this.#past?.play();
  }

  /** Live stands still by becoming the past. */
  pause(): void {
    this.paused = true;
    if (this.mode === "past") this.#past?.pause();
    else if (this.picture_us !== null) {
      this.cursor_us = this.picture_us;
      this.mode = "past";
      this.#begin();
    }
  }

  setSpeed(speed: number): void {
    this.speed = speed;
    this.#past?.setSpeed(speed);
  }

  toNextFootage(): void {
    const to = this.hole?.to_us ?? null;
    if (to === null) this.goLive();
    else {
      this.paused = false;
      this.seek(to);
      this.#past?.play();
    }
  }

  /** The last seconds before the hole, so that one sees what led to it. */
  toFootageBefore(): void {
    const from = this.hole?.from_us ?? null;
    if (from === null) return;
    this.paused = false;
    this.seek(from - 10 * SECOND_US);
    this.#past?.play();
  }

  setTrack(track: TrackKind): void {
    this.wanted = track;
    if (!this.channel) return;
    this.choice = choose(this.channel, track, canPlay);
    this.#begin();
  }

  /** How far the live picture is behind now; null when nothing is shown. */
  latencyUs(): number | null {
    return this.mode === "live" && this.picture_us !== null ? clock.nowUs() - this.picture_us : null;
  }

  #begin(): void {
    const screen = this.#screen;
    const channel = this.channel;
    if (!screen || !channel) return;
    this.#hold();
    this.#stop();
    const report = this.#report(++this.#generation);
    const now = (): number => clock.nowUs();
    const { track, how } = this.choice;
    this.phase = "loading";
    if (this.mode === "live") {
      this.#live =
        how === "stills"
          ? new Stills(screen.image, channel.number, track, now, report, true)
          : new Live(screen.video, channel.number, track, report);
      return;
    }
    this.#past =
      how === "stills"
        ? new Stills(screen.image, channel.number, track, now, report, false)
        : new Playback(screen.video, channel.number, track, now, report);
    this.#past.setSpeed(this.speed);
    this.#past.seek(this.cursor_us);
    if (!this.paused) this.#past.play();
  }

  #stop(): void {
    this.#generation++;
    this.#live?.dispose();
    this.#past?.dispose();
    this.#live = this.#past = null;
    this.hole = this.leap = null;
    this.trouble = null;
  }

  /** What an engine says is only heard while it is the engine. */
  #report(generation: number): Report {
    const mine = (): boolean => generation === this.#generation;
    return {
      loading: () => mine() && (this.phase = "loading"),
      picture: (atUs) => mine() && this.#shown(atUs),
      hole: (hole) => mine() && this.#stand(hole),
      skipped: (hole) => mine() && this.#leapt(hole),
      reachedNow: () => mine() && this.goLive(),
      unsupported: () => mine() && this.#other(),
      trouble: (what) => mine() && (this.trouble = what),
      camera: (state, reason, message) => mine() && (this.camera = { state, reason, message }),
    };
  }

  #shown(atUs: number): void {
    this.phase = "showing";
    this.holding = false;
    this.hole = null;
    this.picture_us = this.cursor_us = atUs;
  }

  #stand(hole: Hole): void {
    this.phase = "hole";
    this.hole = hole;
    this.holding = false;
    this.picture_us = null;
  }

  #leapt(hole: Hole): void {
    this.#hold();
    this.leap = hole;
    clearTimeout(this.#leapTimer);
    this.#leapTimer = setTimeout(() => (this.leap = null), LEAP_SHOWN_MS);
  }

  #other(): void {
    if (!this.channel) return;
    this.choice = fallback(this.channel, this.choice, this.wanted);
    this.#begin();
  }

  /** Keep the shown picture on the screen until the next one comes, so that nothing flashes. */
  #hold(): void {
    const screen = this.#screen;
    if (!screen || this.picture_us === null || this.choice.how === "stills") return;
    const { video, held } = screen;
    if (video.videoWidth === 0) return;
    held.width = video.videoWidth;
    held.height = video.videoHeight;
    held.getContext("2d")?.drawImage(video, 0, 0);
    this.holding = true;
  }
}

export const viewer = new Viewer();

/** For tests and for whoever looks into the page's console. */
export interface PlayerProbe {
  wallTimeUs(): number | null;
  latencyUs(): number | null;
  readonly state: "idle" | "loading" | "playing" | "paused" | "hole";
  readonly mode: "live" | "past";
  readonly channel: number | null;
  readonly track: TrackKind;
}

declare global {
  interface Window {
    __player?: PlayerProbe;
  }
}

export function expose(): void {
  window.__player = {
    wallTimeUs: () => viewer.picture_us,
    latencyUs: () => viewer.latencyUs(),
    get state() {
      if (viewer.phase !== "showing") return viewer.phase;
      return viewer.paused ? "paused" : "playing";
    },
    get mode() {
      return viewer.mode;
    },
    get channel() {
      return viewer.channel?.number ?? null;
    },
    get track() {
      return viewer.choice.track;
    },
  };
}
