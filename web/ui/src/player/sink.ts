/**
 * A media element fed with fragmented MP4: one MediaSource, one SourceBuffer, one thing at a time.
 *
 * Media time 0 is `origin_us`; a picture's wall time is origin_us + media time. Every operation waits for those before it,
 * and fails with `SinkClosed` once the sink is disposed of.
 */

import { DAY_US, SECOND_US } from "../time/units";
import { stretches, type Stretch } from "./ranges";

export class SinkClosed extends Error {}

/** Media time must not be negative, so the origin lies further back than any footage that one session will ask for. */
const BEFORE_US = 400 * DAY_US;
const LENGTH_S = 10 * 365 * 86_400; // seeking is only possible below the duration: longer than any session
/** Media time is rounded to microseconds on its way into the browser: land inside the picture, not on its edge. */
const INSIDE_US = 5;

export function mimeOf(codec: string): string {
  return `video/mp4; codecs="${codec}"`;
}

export function canPlay(codec: string): boolean {
  return typeof MediaSource !== "undefined" && MediaSource.isTypeSupported(mimeOf(codec));
}

export class Sink {
  readonly origin_us: number;
  readonly #video: HTMLVideoElement;
  readonly #media = new MediaSource();
  readonly #url: string;
  #buffer: SourceBuffer | null = null;
  #codec = "";
  #last: Promise<unknown> = Promise.resolve();
  #waiting = 0;
  #closed = false;

  constructor(video: HTMLVideoElement, nearUs: number) {
    this.origin_us = Math.floor(nearUs / SECOND_US) * SECOND_US - BEFORE_US;
    this.#video = video;
    this.#url = URL.createObjectURL(this.#media);
    video.src = this.#url;
  }

  /** Wall time → media time in seconds, inside the picture that is shown at that instant. */
  media(atUs: number): number {
    return (atUs - this.origin_us + INSIDE_US) / 1e6;
  }

  /** Media time in seconds → wall time. */
  wall(seconds: number): number {
    return this.origin_us + Math.round(seconds * 1e6);
  }

  /** Whether an instant can be shown without another sink. */
  reaches(atUs: number): boolean {
    return !this.#closed && atUs > this.origin_us + DAY_US;
  }

  get buffered(): Stretch[] {
    return this.#buffer && !this.#closed && this.#media.readyState !== "closed" ? stretches(this.#buffer.buffered) : [];
  }

  /** Nothing waits to be appended. */
  get idle(): boolean {
    return this.#waiting === 0;
  }

  /** Operations not yet finished. */
  get backlog(): number {
    return this.#waiting;
  }

  /** The init segment of a chunk; what is appended next lies at `start_us` + its time in the chunk. */
  begin(codec: string, startUs: number, init: ArrayBuffer): Promise<void> {
    return this.#queue(async () => {
      const buffer = await this.#open(codec);
      if (codec !== this.#codec) buffer.changeType(mimeOf(codec));
      this.#codec = codec;
      buffer.timestampOffset = (startUs - this.origin_us) / 1e6;
      await this.#append(buffer, init);
    });
  }

  /** Another chunk of the init segment that was given last. */
  goOn(startUs: number): Promise<void> {
    return this.#queue(async () => {
      this.#need().timestampOffset = (startUs - this.origin_us) / 1e6;
    });
  }

  /** Whole fragments of the chunk begun last. */
  append(bytes: ArrayBuffer): Promise<void> {
    return this.#queue(async () => {
      const buffer = this.#need();
      try {
        await this.#append(buffer, bytes);
      } catch (error) {
        if (!(error instanceof DOMException && error.name === "QuotaExceededError")) throw error;
        await this.#cut(buffer, 0, this.#video.currentTime - 2); // full: give up what was seen
        await this.#append(buffer, bytes);
      }
    });
  }

  /**
   * Nothing follows what was appended: only now does the decoder give out the pictures it holds back for reordering.
   * Appending again takes this back.
   */
  end(): Promise<void> {
    return this.#queue(async () => {
      if (this.#buffer && this.#media.readyState === "open") this.#media.endOfStream();
    });
  }

  /** Forget the data of [from, to) media seconds. */
  forget(from: number, to: number): Promise<void> {
    return this.#queue(async () => {
      if (this.#buffer) await this.#cut(this.#buffer, from, to);
    });
  }

  dispose(): void {
    if (this.#closed) return;
    this.#closed = true;
    URL.revokeObjectURL(this.#url);
    if (this.#video.src === this.#url) {
      this.#video.removeAttribute("src");
      this.#video.load();
    }
  }

  #queue(work: () => Promise<void>): Promise<void> {
    this.#waiting++;
    const result = this.#last
      .then(() => {
        if (this.#closed) throw new SinkClosed();
        return work();
      })
      .finally(() => this.#waiting--);
    this.#last = result.catch(() => undefined);
    return result;
  }

  async #open(codec: string): Promise<SourceBuffer> {
    if (this.#media.readyState !== "open") await event(this.#media, "sourceopen");
    if (this.#closed) throw new SinkClosed();
    if (!this.#buffer) {
      this.#buffer = this.#media.addSourceBuffer(mimeOf(codec));
      this.#codec = codec;
      this.#media.duration = LENGTH_S;
    }
    return this.#buffer;
  }

  #need(): SourceBuffer {
    if (!this.#buffer || this.#closed) throw new SinkClosed();
    return this.#buffer;
  }

  async #append(buffer: SourceBuffer, bytes: ArrayBuffer): Promise<void> {
    buffer.appendBuffer(bytes);
    await this.#updated(buffer);
  }

  async #cut(buffer: SourceBuffer, from: number, to: number): Promise<void> {
    if (!(to > from)) return;
    buffer.remove(from, to);
    await this.#updated(buffer);
  }

  async #updated(buffer: SourceBuffer): Promise<void> {
    if (buffer.updating) await event(buffer, "updateend");
    if (this.#closed) throw new SinkClosed();
    if (this.#video.error) throw new Error(this.#video.error.message || "the picture data cannot be decoded");
  }
}

function event(target: EventTarget, name: string): Promise<void> {
  return new Promise((resolve) => target.addEventListener(name, () => resolve(), { once: true }));
}
