import type { KindWord } from "../api/types";
import { viewer } from "./viewer.svelte";

/** For tests and for whoever looks into the page's console. */
export interface PlayerProbe {
  wallTimeUs(): number | null;
  latencyUs(): number | null;
  readonly state: "idle" | "loading" | "playing" | "paused" | "hole";
  readonly mode: "live" | "past";
  readonly channel: number | null;
  readonly track: KindWord;
  readonly take: number | null;
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
    get take() {
      return viewer.take;
    },
  };
}
