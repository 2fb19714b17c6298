/** The camera now: WebSocket → MediaSource, less than a second behind, connected again by itself. */

import { liveUrl } from "../api/client";
import type { LiveMessage, KindWord } from "../api/types";
import type { Report } from "../player/engine";
import { watchPictures } from "../player/pictures";
import { holding, type Stretch } from "../player/ranges";
import { canPlay, Sink, SinkClosed } from "../player/sink";
import { steer } from "../player/steer";
import { keepUp, retryMs, SPARE_S, usualLength } from "./latency";

type Init = Extract<LiveMessage, { type: "init" }>;

const SILENT_MS = 2_500; // no picture for so long is worth a word: fragments come every 500 ms
const JOINING_MS = 1_500; // what waited for us has come by then
const KEEP_S = 12;
const LONGEST_FRAGMENT_S = 1.5; // what grows by more has a hole in it
const LONGEST_WAIT_S = 3; // of footage in one arrival that others wait for
const MOST_DROPPED = 3; // chosen: a stream begins with a sync sample, so the first one should do
const MOST_WAITING = 40; // fragments that the decoder has not taken: it hangs, so begin anew

/** The clock of cameras that are live together. */
export interface Together {
  /** The instant that all show. */
  targetUs(): number;
  /** A camera's data came too late for it by so much. */
  short(us: number): void;
}

export class Live {
  #socket: WebSocket | null = null;
  #sink: Sink | null = null;
  #init: Init | null = null; // its init segment has not come yet
  #tries = 0;
  #started = false;
  #dropped = 0; // fragments of which the browser kept nothing
  #fragment_s = 0.3;
  #seenEnd = 0;
  #joined_ms = 0;
  #lastData = performance.now();
  #silent = false;
  #disposed = false;
  #retry: ReturnType<typeof setTimeout> | undefined;
  readonly #timer: ReturnType<typeof setInterval>;
  readonly #unwatch: () => void;
  readonly #visible = (): void => {
    if (document.visibilityState === "visible") this.#started = false; // timers slept: jump to the newest picture
  };

  constructor(
    private readonly video: HTMLVideoElement,
    private readonly channel: number,
    private readonly track: KindWord,
    private readonly report: Report,
    /** In step with other cameras; null: as near to now as this one can. */
    private readonly together: Together | null = null,
  ) {
    this.#unwatch = watchPictures(video, (time) => this.#shown(time));
    this.#timer = setInterval(() => this.#tick(), 250);
    document.addEventListener("visibilitychange", this.#visible);
    this.report.loading();
    this.#connect();
  }

  dispose(): void {
    this.#disposed = true;
    clearInterval(this.#timer);
    clearTimeout(this.#retry);
    document.removeEventListener("visibilitychange", this.#visible);
    this.#unwatch();
    this.#close();
    this.video.playbackRate = 1;
    this.#sink?.dispose();
    this.#sink = null;
  }

  #connect(): void {
    this.#lastData = performance.now();
    const socket = (this.#socket = new WebSocket(liveUrl(this.channel, this.track)));
    socket.binaryType = "arraybuffer";
    socket.onmessage = ({ data }) => {
      if (typeof data === "string") this.#text(JSON.parse(data) as LiveMessage);
      else this.#binary(data as ArrayBuffer);
    };
    socket.onclose = () => this.#lost();
  }

  #close(): void {
    if (!this.#socket) return;
    this.#socket.onclose = this.#socket.onmessage = null;
    this.#socket.close();
    this.#socket = null;
  }

  /** The connection is gone: try again, a little later each time. */
  #lost(): void {
    this.#close();
    if (this.#disposed) return;
    this.report.trouble({ kind: "unreachable" });
    clearTimeout(this.#retry);
    this.#retry = setTimeout(() => this.#connect(), retryMs(this.#tries++) * (0.75 + Math.random() / 2));
  }

  #again(): void {
    this.#close();
    this.#sink?.dispose();
    this.#sink = null;
    this.#started = false;
    this.#lost();
  }

  #text(message: LiveMessage): void {
    switch (message.type) {
      case "init":
        this.#init = message;
        break;
      case "state":
        this.report.camera(message.state, message.reason, message.message);
        break;
      case "skip":
        break; // the next fragment starts a new stretch; #tick jumps to it
    }
  }

  #binary(bytes: ArrayBuffer): void {
    const init = this.#init;
    this.#init = null;
    if (init) this.#begin(init, bytes);
    else if (this.#sink) this.#append(this.#sink, bytes);
  }

  #begin(init: Init, bytes: ArrayBuffer): void {
    if (!canPlay(init.codec)) {
      this.#close();
      this.report.unsupported("codec");
      return;
    }
    if (!this.#sink?.reaches(init.start_us)) {
      this.#sink?.dispose();
      this.#sink = new Sink(this.video, init.start_us);
      this.#started = false;
    }
    this.#sink.begin(init.codec, init.start_us, bytes).catch((error: unknown) => this.#failed(error));
  }

  #append(sink: Sink, bytes: ArrayBuffer): void {
    if (sink.backlog > MOST_WAITING) {
      this.#again();
      return;
    }
    sink
      .append(bytes)
      .then(() => this.#arrived(sink))
      .catch((error: unknown) => this.#failed(error));
  }

  #arrived(sink: Sink): void {
    this.#lastData = performance.now();
    this.#tries = 0;
    this.#silent = false;
    this.report.trouble(null);
    if (sink.buffered.length === 0 && ++this.#dropped >= MOST_DROPPED) {
      this.#close();
      this.report.unsupported("start");
      return;
    }
    const end = this.#end(sink);
    const grown = end - this.#seenEnd;
    if (grown > 0 && grown < LONGEST_FRAGMENT_S) this.#fragment_s = usualLength(this.#fragment_s, grown);
    this.#seenEnd = end;
    if (!this.#started) {
      if (sink.idle) this.#join(sink);
      return;
    }
    if (this.together) {
      // The tick keeps step. What came too late for it tells by how much; a hole tells nothing.
      const short = this.together.targetUs() - sink.wall(end - grown);
      if (short > 0 && grown < LONGEST_WAIT_S) this.together.short(short);
      return;
    }
    const step = keepUp(this.video.currentTime, end, this.#fragment_s, performance.now() - this.#joined_ms < JOINING_MS);
    if (step.kind === "jump") this.#jump(sink, step.to);
    else this.video.playbackRate = step.rate;
  }

  /** All that waited for us is here: begin near its end. */
  #join(sink: Sink): void {
    this.#started = true;
    this.#joined_ms = performance.now();
    this.#jump(sink, this.together ? sink.media(this.together.targetUs()) : this.#end(sink) - this.#fragment_s - SPARE_S);
    this.video.playbackRate = 1;
    this.video.play().catch(() => undefined);
  }

  /** Never before the last stretch: what lies before a hole is old. */
  #jump(sink: Sink, to: number): void {
    const last = sink.buffered.at(-1);
    if (last) this.video.currentTime = Math.max(last.start + 1e-5, to);
  }

  #tick(): void {
    const sink = this.#sink;
    const quiet = performance.now() - this.#lastData;
    if (quiet > SILENT_MS && this.#socket?.readyState === WebSocket.OPEN && !this.#silent) {
      this.#silent = true;
      this.report.trouble({ kind: "silent", since_ms: this.#lastData });
    }
    if (!sink || !this.#started) return;
    if (this.video.error) {
      this.#again();
      return;
    }
    const last = sink.buffered.at(-1);
    if (!last) return;
    this.#cross(sink, last);
    if (this.together) this.#keepStep(sink, this.together.targetUs());
    else if (this.video.paused) this.video.play().catch(() => undefined);
    const first = sink.buffered[0]!.start;
    if (this.video.currentTime - first > 2 * KEEP_S && sink.idle) {
      sink.forget(0, this.video.currentTime - KEEP_S).catch(() => undefined);
    }
  }

  /** Not ahead of the others, and not behind them if the data is there. */
  #keepStep(sink: Sink, targetUs: number): void {
    const [time, target] = [this.video.currentTime, sink.media(targetUs)];
    const early = target < (holding(sink.buffered, time)?.start ?? time);
    if (early) this.video.pause();
    else if (this.video.paused) this.video.play().catch(() => undefined);
    if (early || this.video.seeking) return;
    const steering = steer((time - target) * 1e6, 1);
    if (steering.kind === "rate") this.video.playbackRate = steering.rate;
    else if (holding(sink.buffered, target)) this.video.currentTime = target;
  }

  /** A new stretch has begun behind a hole: go there when the old one is played out, or is too long ago. */
  #cross(sink: Sink, last: Stretch): void {
    const time = this.video.currentTime;
    if (this.video.seeking || time > last.start - 0.05) return;
    const left = (holding(sink.buffered, time)?.end ?? time) - time;
    if (left < 0.05 || last.end - time > 1.5) this.#jump(sink, last.end - this.#fragment_s - SPARE_S);
  }

  #end(sink: Sink): number {
    return sink.buffered.at(-1)?.end ?? 0;
  }

  #failed(error: unknown): void {
    if (error instanceof SinkClosed || this.#disposed) return;
    this.#again();
  }

  #shown(mediaTime: number): void {
    if (this.#sink?.reaches(this.#sink.wall(mediaTime))) this.report.picture(this.#sink.wall(mediaTime));
  }
}
