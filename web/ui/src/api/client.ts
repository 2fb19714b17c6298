/** The one door to the server: every request of the interface goes through here. */

import type { Activity, Bookmark, Channel, ClipSet, Coverage, Problem, Fragments, Overview, Samples, Site, Source, Thumbnails, Timeline, KindWord, Troubles } from "./types";

/** The server answered with an error, or did not answer (`status` 0). */
export class ApiError extends Error {
  constructor(
    readonly status: number,
    message: string,
    readonly hint = "",
  ) {
    super(message);
  }

  /** Nobody answered: the server is down or the network is gone. */
  get unreachable(): boolean {
    return this.status === 0;
  }
}

const WITHIN_MS = 30_000; // chosen: the server's own limit for a slow disk is shorter
const SOON_MS = 6_000; // for what is asked every two seconds

export function getSite(signal?: AbortSignal): Promise<Site> {
  return json("/api/site", signal, SOON_MS);
}

export function getChannels(signal?: AbortSignal): Promise<Channel[]> {
  return json("/api/channels", signal, SOON_MS);
}

export function getCoverage(days: number, signal?: AbortSignal): Promise<Coverage> {
  return json(`/api/coverage?days=${days}`, signal);
}

export function getTroubles(days: number, signal?: AbortSignal): Promise<Troubles> {
  return json(`/api/troubles?days=${days}`, signal);
}

export function coverageCsvUrl(days: number): string {
  return `/api/coverage.csv?days=${days}`;
}

export function getTimeline(
  channel: number,
  track: KindWord,
  fromUs: number,
  toUs: number,
  signal?: AbortSignal,
): Promise<Timeline> {
  return json(`/api/channels/${channel}/timeline?${window(fromUs, toUs, track)}`, signal);
}

/** All cameras, or one, in so many equal cells. */
export function getOverview(
  fromUs: number,
  toUs: number,
  cells: number,
  track: KindWord,
  channel: number | null,
  signal?: AbortSignal,
): Promise<Overview> {
  const one = channel === null ? "" : `&channel=${channel}`;
  return json(`/api/timeline?${window(fromUs, toUs, track)}&cells=${cells}${one}`, signal);
}

/** How much moved before one camera, second by second; at most an hour. */
export function getActivity(
  channel: number,
  track: KindWord,
  fromUs: number,
  toUs: number,
  signal?: AbortSignal,
): Promise<Activity> {
  return json(`/api/channels/${channel}/activity?${window(fromUs, toUs, track)}`, signal);
}

export function getFragments(source: Source, fromUs: number, toUs: number, signal?: AbortSignal): Promise<Fragments> {
  return json(`${footage(source, "fragments")}${windowOf(source, fromUs, toUs)}`, signal);
}

/** `samples`: whole groups of pictures; `key-samples`: only those that decode alone. */
export function getSamples(
  form: "samples" | "key-samples",
  source: Source,
  fromUs: number,
  toUs: number,
  signal?: AbortSignal,
): Promise<Samples> {
  return json(`${footage(source, form)}${windowOf(source, fromUs, toUs)}`, signal);
}

/** Bytes [start, end) of a media URL, or all of it. */
export async function getBytes(url: string, range: [number, number] | null, signal?: AbortSignal): Promise<ArrayBuffer> {
  const headers: Record<string, string> = range ? { Range: `bytes=${range[0]}-${range[1] - 1}` } : {};
  const response = await answer(url, { headers }, signal);
  if (range && response.status !== 206) throw new ApiError(response.status, "The server sent the whole file, not the part.");
  const bytes = await response.arrayBuffer();
  if (range && bytes.byteLength !== range[1] - range[0]) throw new ApiError(0, "The server sent less than was asked for.");
  return bytes;
}

export interface Still {
  picture: Blob;
  pictureUs: number;
}

export async function getStill(source: Source, atUs: number, width: number, signal?: AbortSignal): Promise<Still> {
  const response = await answer(stillUrl(source, atUs, width), {}, signal);
  return { picture: await response.blob(), pictureUs: Number(response.headers.get("X-Picture-Time-Us") ?? atUs) };
}

export function stillUrl(source: Source, atUs: number, width?: number): string {
  const size = width === undefined ? "" : `&width=${width}`;
  return `${footage(source, "still.jpg")}at_us=${Math.round(atUs)}&track=${source.track}${size}${takeOf(source)}`;
}

export function getThumbnails(
  source: Source,
  fromUs: number,
  toUs: number,
  count: number,
  width: number,
  signal?: AbortSignal,
): Promise<Thumbnails> {
  return json(`${footage(source, "thumbnails")}${windowOf(source, fromUs, toUs)}&count=${count}&width=${width}`, signal);
}

export async function getBlob(url: string, signal?: AbortSignal): Promise<Blob> {
  return (await answer(url, {}, signal)).blob();
}

export function clipUrl(source: Source, fromUs: number, toUs: number): string {
  return `${footage(source, "clip.mp4")}${windowOf(source, fromUs, toUs)}`;
}

/** The same track and take of several cameras. */
export type Sources = Pick<Source, "track" | "take">;

export function clipSetUrl(channels: readonly number[], of: Sources, fromUs: number, toUs: number): string {
  return `/api/clips.zip?channels=${channels.join()}&${windowOf(of, fromUs, toUs)}`;
}

export function hlsUrl(source: Source, fromUs: number, toUs: number): string {
  return `${footage(source, "hls.m3u8")}${windowOf(source, fromUs, toUs)}`;
}

export function liveListUrl(channel: number, track: KindWord): string {
  return `/api/channels/${channel}/live.m3u8?track=${track}`;
}

export function getClipPlan(
  channels: readonly number[],
  of: Sources,
  fromUs: number,
  toUs: number,
  signal?: AbortSignal,
): Promise<ClipSet> {
  return json(`/api/clips?channels=${channels.join()}&${windowOf(of, fromUs, toUs)}`, signal);
}

/** An answer whose body is still on its way. */
export function getAnswer(url: string, signal?: AbortSignal): Promise<Response> {
  return answer(url, {}, signal);
}

export function liveUrl(channel: number, track: KindWord): string {
  return socketUrl(`/api/channels/${channel}/live?track=${track}`);
}

export function getBookmarks(signal?: AbortSignal): Promise<Bookmark[]> {
  return json("/api/bookmarks", signal);
}

export function addBookmark(channel: number, atUs: number, note: string): Promise<Bookmark> {
  return change("POST", `/api/channels/${channel}/bookmarks?at_us=${Math.round(atUs)}`, { note });
}

export function removeBookmark(channel: number, number: number): Promise<object> {
  return change("DELETE", `/api/channels/${channel}/bookmarks/${number}`);
}

export function searchUrl(
  kind: "bisect" | "motion",
  channel: number,
  track: KindWord,
  fromUs: number,
  toUs: number,
  box: { left: number; top: number; width: number; height: number },
): string {
  const place = `left=${box.left}&top=${box.top}&width=${box.width}&height=${box.height}`;
  return socketUrl(`/api/channels/${channel}/${kind}?${window(fromUs, toUs, track)}&${place}`);
}

function socketUrl(path: string): string {
  return `${location.protocol === "https:" ? "wss:" : "ws:"}//${location.host}${path}`;
}

function window(fromUs: number, toUs: number, track: KindWord): string {
  return `from_us=${Math.round(fromUs)}&to_us=${Math.round(toUs)}&track=${track}`;
}

function footage({ channel }: Source, form: string): string {
  return `/api/channels/${channel}/${form}?`;
}

function windowOf(of: Sources, fromUs: number, toUs: number): string {
  return window(fromUs, toUs, of.track) + takeOf(of);
}

function takeOf({ take }: Sources): string {
  return take === null ? "" : `&take=${take}`;
}

/** A server that hangs takes the question and never answers: that is no answer too. */
async function json<T>(url: string, signal?: AbortSignal, withinMs = WITHIN_MS): Promise<T> {
  const limit = AbortSignal.timeout(withinMs);
  const response = await answer(url, {}, signal ? AbortSignal.any([signal, limit]) : limit, signal);
  return read(response, signal);
}

async function read<T>(response: Response, signal?: AbortSignal): Promise<T> {
  try {
    return (await response.json()) as T;
  } catch (error) {
    if (signal?.aborted) throw error;
    throw new ApiError(0, "The recorder's answer broke off.");
  }
}

async function change<T>(method: "POST" | "DELETE", url: string, body?: object): Promise<T> {
  const sent = body === undefined ? {} : { body: JSON.stringify(body), headers: { "Content-Type": "application/json" } };
  return read(await answer(url, { method, ...sent, signal: AbortSignal.timeout(WITHIN_MS) }));
}

/** `wanted`: the signal of who gives up the question on purpose, if `signal` may also fire by itself. */
async function answer(url: string, init: RequestInit, signal?: AbortSignal, wanted = signal): Promise<Response> {
  let response: Response;
  try {
    response = await fetch(url, signal ? { ...init, signal } : init);
  } catch (error) {
    if (wanted?.aborted) throw error;
    throw new ApiError(0, "The recorder does not answer.");
  }
  if (response.ok) return response;
  const said = await errorOf(response);
  throw new ApiError(response.status, said.error, said.hint);
}

async function errorOf(response: Response): Promise<Problem> {
  try {
    const body = (await response.json()) as Partial<Problem>;
    return { error: body.error ?? response.statusText, where: body.where ?? "", hint: body.hint ?? "" };
  } catch {
    return { error: `${response.status} ${response.statusText}`, where: "", hint: "" };
  }
}
