/** Makes pictures of samples: by the browser's decoder where it may be used, else the server makes them one by one. */

import { getBytes, getStill } from "../api/client";
import type { Source } from "../api/types";
import { type ChunkFacts, type Group, shownUs } from "./table";

/** Something that a canvas draws. Whoever holds it closes it. */
export type Picture = VideoFrame | ImageBitmap;

export interface Darkroom {
  /** Whether a whole group costs little more than one picture. */
  readonly wholeGroups: boolean;
  /** The pictures [from, to) of a group, by the time they are shown; what is damaged is missing. */
  develop(group: Group, from: number, to: number, signal: AbortSignal): Promise<Map<number, Picture>>;
  dispose(): void;
}

export class Undecodable extends Error {}

/** Whether this page may decode by itself: only on a secure page, and by few browsers. */
export function mayDecode(): boolean {
  return window.isSecureContext && "VideoDecoder" in window;
}

/** How to open a decoder for a chunk; null: this browser has none for it. Software first: it holds back no pictures. */
export async function configurationOf(chunk: ChunkFacts): Promise<VideoDecoderConfig | null> {
  if (!mayDecode()) return null;
  const config: VideoDecoderConfig = {
    codec: chunk.codec,
    codedWidth: chunk.width,
    codedHeight: chunk.height,
    description: Uint8Array.from(atob(chunk.description), (letter) => letter.charCodeAt(0)),
  };
  for (const hardwareAcceleration of ["prefer-software", "no-preference"] as const) {
    const asked = { ...config, hardwareAcceleration };
    if ((await VideoDecoder.isConfigSupported(asked).catch(() => null))?.supported) return asked;
  }
  return null;
}

/** Decodes with WebCodecs, one group at a time: a decoder for each is simple, and costs a millisecond or two. */
export class Decoding implements Darkroom {
  readonly wholeGroups = true;
  #last: Promise<unknown> = Promise.resolve();
  #configurations = new Map<string, Promise<VideoDecoderConfig | null>>();

  async develop(group: Group, from: number, to: number, signal: AbortSignal): Promise<Map<number, Picture>> {
    const wanted = new Set(group.shown.slice(from, to));
    let end = group.rows.length;
    while (end > 1 && !wanted.has(group.rows[end - 1]![2])) end--;
    const rows = group.rows.slice(0, end);
    const start = rows[0]![0];
    const bytes = await getBytes(group.chunk.media_url, [start, rows.at(-1)![0] + rows.at(-1)![1]], signal);
    const config = await this.#configuration(group.chunk);
    if (!config) throw new Undecodable(group.chunk.codec);
    const chunks = rows.map(
      ([offset, size, shown_us], at) =>
        new EncodedVideoChunk({
          type: at === 0 ? "key" : "delta",
          timestamp: shown_us,
          data: new Uint8Array(bytes, offset - start, size),
        }),
    );
    return this.#queue(() => run(config, chunks, wanted, signal));
  }

  dispose(): void {
    this.#configurations.clear();
  }

  #configuration(chunk: ChunkFacts): Promise<VideoDecoderConfig | null> {
    const key = chunk.codec + chunk.description;
    const known = this.#configurations.get(key) ?? configurationOf(chunk);
    this.#configurations.set(key, known);
    return known;
  }

  /** One at a time: two decoders at once are no faster, and hold twice the memory. */
  #queue<T>(work: () => Promise<T>): Promise<T> {
    const result = this.#last.then(work);
    this.#last = result.catch(() => undefined);
    return result;
  }
}

/** Decode chunks and give the wanted pictures by their time. */
async function run(
  config: VideoDecoderConfig,
  chunks: readonly EncodedVideoChunk[],
  wanted: ReadonlySet<number>,
  signal: AbortSignal,
): Promise<Map<number, VideoFrame>> {
  signal.throwIfAborted();
  const frames = new Map<number, VideoFrame>();
  let broken: Error | null = null;
  const decoder = new VideoDecoder({
    output: (frame) => (wanted.has(frame.timestamp) ? frames.set(frame.timestamp, frame) : frame.close()),
    error: (error) => (broken = error),
  });
  const stop = (): void => decoder.state !== "closed" ? decoder.close() : undefined;
  signal.addEventListener("abort", stop);
  try {
    decoder.configure(config);
    for (const chunk of chunks) decoder.decode(chunk);
    await decoder.flush();
    return frames;
  } catch (error) {
    for (const frame of frames.values()) frame.close();
    signal.throwIfAborted();
    throw new Undecodable(String(broken ?? error));
  } finally {
    signal.removeEventListener("abort", stop);
    stop();
  }
}

const WIDTH = 1280; // chosen: a 1080p key frame is decoded and coded in some 40 ms at this width

/** Lets the server decode: for pages and codecs where the browser may not. */
export class Printing implements Darkroom {
  readonly wholeGroups = false;

  constructor(private readonly source: Source) {}

  async develop(group: Group, from: number, to: number, signal: AbortSignal): Promise<Map<number, Picture>> {
    const pictures = new Map<number, Picture>();
    for (let index = from; index < to; index++) {
      const at = shownUs({ group, index });
      const still = await getStill(this.source, at, WIDTH, signal);
      pictures.set(at, await createImageBitmap(still.picture));
    }
    return pictures;
  }

  dispose(): void {
    // nothing is held
  }
}
