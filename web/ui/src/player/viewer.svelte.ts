/** What is on the screen: one channel, live or at an instant. The page reads this; the engines report to it. */

import type { Channel, ReasonWord, KindWord, StateWord } from "../api/types";
import { clock } from "../time/clock.svelte";
import { SECOND_US } from "../time/units";
import { type Choice, choose, fallback, present, type Why } from "./choice";
import type { Cast, FilmEngine, PastEngine, Report, Subject, Trouble } from "./engine";
import { canPlay } from "./sink";
import type { Shot } from "./snapshot";
import type { Hole } from "./table";
import type { Zoom } from "./zoom.svelte";

/** Forwards and backwards alike. */
export const SPEEDS = [0.25, 0.5, 1, 2, 4, 8, 16, 32] as const;

export type Phase = "idle" | "loading" | "showing" | "hole";

export interface CameraWord {
  state: StateWord;
  reason: ReasonWord | null;
  message: string;
}

const LATE_FOR_LIVE_US = 2 * SECOND_US; // asking for later than this before now means live
const MEDIA_UP_TO = 4; // faster than this, and backwards, single pictures are shown
const LEAP_SHOWN_MS = 6_000;

class Viewer {
  channel = $state.raw<Channel | null>(null);
  choice = $state.raw<Choice>({ track: "main", how: "media", because: null });
  mode = $state<"live" | "past">("live");
  phase = $state<Phase>("idle");
  paused = $state(false);
  /** Negative: backwards. */
  speed = $state(1);
  /** What the picture is on: the media element (or its stills), or the canvas of single pictures. */
  surface = $state<"media" | "film">("media");
  /** A hand moves over the timeline. */
  scrubbing = $state(false);
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
  wanted = $state<KindWord>("main");
  /** Of time that was recorded more than once, which take is shown, from 1; null: the last. */
  take = $state<number | null>(null);

  #cast: Cast | null = null;
  #live: { dispose(): void } | null = null;
  #past: PastEngine | null = null;
  #film: FilmEngine | null = null;
  /** Who shows the pictures of the past; what the other one reports is not heard. */
  #lead: "media" | "film" = "media";
  #generation = 0;
  #leapTimer: ReturnType<typeof setTimeout> | undefined;

  /** Show on this from now on; gives what ends it. */
  attach(cast: Cast): () => void {
    this.#stop();
    this.#cast = cast;
    if (this.channel) this.#begin();
    return () => {
      if (this.#cast !== cast) return;
      this.#stop();
      this.#cast = null;
    };
  }

  /** Show a channel, live or from an instant. */
  open(channel: Channel, atUs: number | null, take: number | null = null): void {
    const other = channel.number !== this.channel?.number;
    this.channel = channel;
    if (take !== this.take) this.#stop();
    this.take = take;
    if (other) {
      this.#stop();
      this.holding = false; // never a picture of another camera
      this.picture_us = null;
      this.camera = null;
      this.choose(channel);
      this.zoom?.reset();
    }
    if (atUs === null) this.goLive();
    else this.seek(atUs);
  }

  /** How a channel is to be shown. */
  choose(channel: Channel): void {
    this.choice = choose(channel, present(channel, this.wanted), canPlay);
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
    this.take = null;
    this.paused = false;
    this.speed = 1;
    this.#begin();
  }

  /** Show the picture of an instant; keeps playing or standing as it was. */
  seek(atUs: number): void {
    this.scrubbing = false;
    const now = clock.nowUs();
    if (atUs > now - LATE_FOR_LIVE_US) {
      this.goLive();
      return;
    }
    this.cursor_us = Math.round(atUs);
    this.hole = null;
    if (this.mode === "past" && this.#past) this.#show();
    else this.#beginPast();
  }

  /** What lies under a moving pointer, quickly; `seek` ends it with the exact picture. */
  scrub(atUs: number): void {
    if (!this.channel) return;
    this.cursor_us = Math.round(Math.min(atUs, clock.nowUs()));
    if (this.mode === "live") this.#beginPast();
    if (!this.scrubbing) this.#filmLeads();
    this.scrubbing = true;
    this.#film?.scrub(this.cursor_us);
  }

  /** Seconds forwards or backwards from the shown picture. */
  move(seconds: number): void {
    if (this.mode === "live" && seconds > 0) return;
    this.seek((this.mode === "live" ? (this.picture_us ?? clock.nowUs()) : this.cursor_us) + seconds * SECOND_US);
  }

  /** One picture forwards (1) or backwards (−1), standing still. None is left out, none comes twice. */
  step(direction: 1 | -1): void {
    const at = this.picture_us;
    if (at === null) return;
    this.paused = true;
    if (this.mode === "live") {
      this.cursor_us = at;
      this.#beginPast();
    }
    this.#filmLeads();
    this.#film?.step(direction, at);
  }

  toggle(): void {
    if (this.paused || this.phase === "hole") this.play();
    else this.pause();
  }

  /** Forwards. */
  play(): void {
    this.paused = false;
    this.speed = Math.abs(this.speed);
    if (this.phase === "hole") this.toNextFootage();
    else this.#drive(this.#lead === "film");
  }

  /** Backwards, or pause if it does so. */
  toggleReverse(): void {
    if (!this.paused && this.speed < 0) {
      this.pause();
      return;
    }
    const at = this.picture_us;
    if (at === null && this.phase !== "hole") return;
    this.paused = false;
    this.speed = -Math.abs(this.speed);
    this.cursor_us = at ?? this.cursor_us;
    if (this.phase === "hole") this.toFootageBefore();
    else if (this.mode === "live") this.#beginPast();
    else this.#drive(true);
  }

  /** Live stands still by becoming the past. */
  pause(): void {
    this.paused = true;
    if (this.mode === "past") {
      this.#past?.pause();
      this.#film?.stop();
    } else if (this.picture_us !== null) {
      this.cursor_us = this.picture_us;
      this.#beginPast();
    }
  }

  /** `speed` is taken in the direction in which it plays. */
  setSpeed(speed: number): void {
    this.speed = this.speed < 0 ? -speed : speed;
    if (this.mode === "past" && !this.paused && this.phase !== "hole") this.#drive(this.#lead === "film");
  }

  /** The next faster (1) or slower (−1) speed. */
  changeSpeed(by: 1 | -1): void {
    const at = SPEEDS.findIndex((speed) => speed === Math.abs(this.speed));
    this.setSpeed(SPEEDS[Math.min(SPEEDS.length - 1, Math.max(0, at + by))]!);
  }

  toNextFootage(): void {
    const to = this.hole?.to_us ?? null;
    this.speed = Math.abs(this.speed);
    this.paused = false;
    if (to === null) this.goLive();
    else this.seek(to);
  }

  /** The last seconds before the hole, so that one sees what led to it. */
  toFootageBefore(): void {
    const from = this.hole?.from_us ?? null;
    if (from === null) return;
    this.paused = false;
    this.seek(this.speed < 0 ? from - SECOND_US / 10 : from - 10 * SECOND_US);
  }

  /** The shown picture for a file; null where there is none. */
  shot(): Shot | null {
    const [subject, at] = [this.#subject(), this.picture_us];
    return subject && at !== null ? (this.#cast?.shot(subject, this.surface, at) ?? null) : null;
  }

  get zoom(): Zoom | null {
    return this.#cast?.zoom ?? null;
  }

  setTrack(track: KindWord): void {
    this.wanted = track;
    if (!this.channel) return;
    this.choice = choose(this.channel, track, canPlay);
    this.#begin();
  }

  /** Another take of the same time. */
  setTake(take: number | null): void {
    if (take === this.take) return;
    this.take = take;
    if (this.mode === "past") this.#begin();
  }

  /** How far the live picture is behind now; null when nothing is shown. */
  latencyUs(): number | null {
    return this.mode === "live" && this.picture_us !== null ? clock.nowUs() - this.picture_us : null;
  }

  #begin(): void {
    const [cast, subject] = [this.#cast, this.#subject()];
    if (!cast || !subject) return;
    this.#hold();
    this.#stop();
    const generation = ++this.#generation;
    const report = this.#report(generation, "media");
    this.phase = "loading";
    if (this.mode === "live") {
      this.#live = cast.live(subject, report);
      return;
    }
    this.#past = cast.past(subject, report);
    this.#film = cast.film(subject, this.#report(generation, "film"));
    this.#show();
  }

  #subject(): Subject | null {
    return this.channel && { channel: this.channel, choice: this.choice, take: this.take, nowUs: () => clock.nowUs() };
  }

  #beginPast(): void {
    this.mode = "past";
    this.#begin();
  }

  /** The picture at the cursor, standing or playing. */
  #show(): void {
    if (!this.paused) this.#drive(true);
    else if (this.#lead === "film") this.#film?.show(this.cursor_us);
    else {
      this.#hold();
      this.#past?.seek(this.cursor_us);
    }
  }

  /** Play, by whoever can at this speed. `anew`: from the cursor, not from where the leading one stands. */
  #drive(anew: boolean): void {
    if (this.speed < 0 || this.speed > MEDIA_UP_TO) {
      this.#filmLeads();
      this.#film?.run(this.speed, this.cursor_us);
      return;
    }
    this.#film?.stop();
    if (this.#lead === "media") this.#hold();
    this.#lead = "media";
    this.#past?.setSpeed(this.speed);
    if (anew) this.#past?.seek(this.cursor_us);
    this.#past?.play();
  }

  #filmLeads(): void {
    this.#lead = "film";
    this.#past?.pause();
  }

  #stop(): void {
    this.#generation++;
    this.#live?.dispose();
    this.#past?.dispose();
    this.#film?.dispose();
    this.#live = this.#past = this.#film = null;
    this.#lead = "media";
    this.scrubbing = false;
    this.hole = this.leap = null;
    this.trouble = null;
  }

  /** What an engine says is only heard while it is the engine. */
  #report(generation: number, who: "media" | "film"): Report {
    const mine = (): boolean => generation === this.#generation && who === this.#lead;
    return {
      loading: () => mine() && (this.phase = "loading"),
      picture: (atUs) => mine() && this.#shown(atUs, who),
      hole: (hole) => mine() && this.#stand(hole),
      skipped: (hole) => mine() && this.#leapt(hole),
      reachedNow: () => mine() && this.goLive(),
      unsupported: (why) => mine() && this.#other(why),
      trouble: (what) => mine() && (this.trouble = what),
      camera: (state, reason, message) => mine() && (this.camera = { state, reason, message }),
    };
  }

  #shown(atUs: number, who: "media" | "film"): void {
    this.phase = "showing";
    this.surface = who;
    this.holding = false;
    this.hole = null;
    this.picture_us = atUs;
    if (!this.scrubbing) this.cursor_us = atUs;
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

  #other(why: Why): void {
    if (!this.channel) return;
    this.choice = fallback(this.channel, this.choice, this.wanted, why);
    this.#begin();
  }

  /** Keep the shown picture on the screen until the next one comes, so that nothing flashes. */
  #hold(): void {
    const subject = this.#subject();
    if (this.picture_us !== null && subject && this.#cast?.hold(subject, this.surface)) this.holding = true;
  }
}

export const viewer = new Viewer();
