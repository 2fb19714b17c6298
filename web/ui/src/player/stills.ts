/** Shows footage as single pictures made by the server, for codecs that this browser does not decode. */

import { ApiError, getFragments, getStill } from "../api/client";
import type { Source } from "../api/types";
import { MINUTE_US, SECOND_US } from "../time/units";
import type { PastEngine, Report } from "./engine";
import { FragmentTable } from "./table";

const WIDTH = 1280; // chosen: a 1080p key frame is decoded and coded in some 40 ms at this width
const PAUSE_MS = 1_000; // a picture a second
const LATE_US = 1_500_000; // live: a fragment must be on the disk first

export class Stills implements PastEngine {
  #at_us: number;
  #speed = 1;
  #playing = false;
  #url = "";
  #cancel = new AbortController();
  #timer: ReturnType<typeof setTimeout> | undefined;

  /** With `live` the instant is always the newest one. */
  constructor(
    private readonly image: HTMLImageElement,
    private readonly source: Source,
    private readonly nowUs: () => number,
    private readonly report: Report,
    private readonly live: boolean,
  ) {
    this.#at_us = nowUs() - LATE_US;
    if (live) this.play();
  }

  seek(atUs: number): void {
    this.#at_us = atUs;
    this.report.loading();
    this.#again(0);
  }

  play(): void {
    this.#playing = true;
    this.#again(0);
  }

  pause(): void {
    this.#playing = false;
  }

  setSpeed(speed: number): void {
    this.#speed = speed;
  }

  dispose(): void {
    this.#cancel.abort();
    clearTimeout(this.#timer);
    this.image.removeAttribute("src");
    if (this.#url) URL.revokeObjectURL(this.#url);
  }

  #again(delayMs: number): void {
    clearTimeout(this.#timer);
    this.#cancel.abort();
    this.#cancel = new AbortController();
    this.#timer = setTimeout(() => void this.#show(this.#cancel.signal), delayMs);
  }

  async #show(signal: AbortSignal): Promise<void> {
    if (this.live) this.#at_us = this.nowUs() - LATE_US;
    try {
      const still = await getStill(this.source, this.#at_us, WIDTH, signal);
      this.#put(still.picture);
      this.report.trouble(null);
      this.report.picture(still.pictureUs);
    } catch (error) {
      if (signal.aborted || !(await this.#explain(error, signal))) return;
    }
    if (!this.#playing) return;
    this.#at_us += (PAUSE_MS * 1000) * this.#speed;
    if (!this.live && this.#at_us > this.nowUs() - SECOND_US) this.report.reachedNow();
    else this.#again(PAUSE_MS);
  }

  #put(picture: Blob): void {
    const old = this.#url;
    this.image.src = this.#url = URL.createObjectURL(picture);
    if (old) URL.revokeObjectURL(old);
  }

  /** Say what is wrong; true if it is worth going on. */
  async #explain(error: unknown, signal: AbortSignal): Promise<boolean> {
    if (!(error instanceof ApiError)) return false;
    if (error.unreachable) this.report.trouble({ kind: "unreachable" });
    else if (error.status === 404 && this.live) this.report.trouble({ kind: "silent", since_ms: performance.now() });
    else if (error.status === 404) return this.#hole(signal);
    else this.report.trouble({ kind: "server", message: error.message, hint: error.hint });
    return true;
  }

  async #hole(signal: AbortSignal): Promise<boolean> {
    const table = new FragmentTable();
    try {
      table.add(await getFragments(this.source, this.#at_us, this.#at_us + MINUTE_US, signal));
    } catch {
      return !signal.aborted;
    }
    const hole = table.hole(this.#at_us);
    if (!this.#playing || hole.to_us === null) {
      this.report.hole(hole);
      return false;
    }
    this.report.skipped(hole);
    this.#at_us = hole.to_us;
    return true;
  }
}
