/** Which channels need a person first, and which ones a search means. Pure. */

import { known } from "../api/known";
import type { Channel, ReasonWord, RemarkWord, StateWord, TrackState } from "../api/types";

/** What the list says of a channel: the worst of its tracks, but a lost sub stream alone is only a blemish. */
export interface Condition {
  state: StateWord;
  reason: ReasonWord | null;
  message: string;
  since_us: number | null;
  /** The main track records, another does not. */
  partly: boolean;
  /** It is no camera of the list any more; its footage is still there. */
  removed: boolean;
  /** What is odd though it is recorded. */
  remark: RemarkWord | null;
}

const SEVERITY: Record<StateWord, number> = { no_disk: 0, stopped: 1, waiting: 2, starting: 3, connecting: 3, recording: 5, off: 6 };
const FOREIGN = 1; // a state that this page does not know: a person should look
const PARTLY = 4;
const REMOVED = 7;

export function condition(channel: Channel): Condition {
  const main = channel.tracks.find((track) => track.kind === "main") ?? channel.tracks[0];
  if (!main) return { state: "off", reason: null, message: "", since_us: null, partly: false, remark: null, removed: channel.removed };
  const worst = channel.tracks.reduce((a, b) => (gravity(b.state) < gravity(a.state) ? b : a), main);
  const partly = main.state === "recording" && worst.state !== "recording";
  return { ...said(partly ? worst : main), partly, removed: channel.removed };
}

/** 0 needs a person at once … 6 is switched off on purpose. */
export function severity(what: Condition): number {
  if (what.removed) return REMOVED;
  return what.partly || what.remark !== null ? PARTLY : gravity(what.state);
}

function gravity(state: StateWord): number {
  return known(SEVERITY, state) ?? FOREIGN;
}

/** Worth a look: everything that should record and does not. */
export function needsAttention(what: Condition): boolean {
  return severity(what) <= PARTLY;
}

export function byNumber(channels: readonly Channel[]): Channel[] {
  return [...channels].sort((a, b) => a.number - b.number);
}

export function worstFirst(channels: readonly Channel[]): Channel[] {
  const rank = new Map(channels.map((channel) => [channel.number, severity(condition(channel))]));
  return [...channels].sort((a, b) => rank.get(a.number)! - rank.get(b.number)! || a.number - b.number);
}

/** Channels whose number begins with the words, or whose name holds every one of them; accents and case do not matter. */
export function search(channels: readonly Channel[], words: string): Channel[] {
  const wanted = plain(words).split(/\s+/).filter(Boolean);
  if (wanted.length === 0) return [...channels];
  return channels.filter((channel) => {
    const name = plain(channel.name);
    return wanted.every((word) => name.includes(word) || String(channel.number).startsWith(word.replace(/^0+(?=\d)/, "")));
  });
}

/** "Cổng chợ" → "cong cho" */
export function plain(text: string): string {
  return text.toLowerCase().normalize("NFD").replace(/\p{M}/gu, "").replaceAll("đ", "d").trim();
}

function said(track: TrackState): Omit<Condition, "partly" | "removed"> {
  return { state: track.state, reason: track.reason, message: track.message, since_us: track.since_us, remark: track.remark };
}
