/** Which track to show and how, given what this browser can decode. Pure. */

import type { Channel, KindWord, TrackState } from "../api/types";

/** codec: it has no decoder for it. start: its decoder takes no recovery point for a beginning, and no key frame comes. */
export type Why = "codec" | "start";

export interface Choice {
  track: KindWord;
  how: "media" | "stills";
  /** Why it is not the picture that was asked for. */
  because: Why | null;
}

/**
 * The wanted track if it can be decoded, else the other one, else stills of the wanted one.
 * A codec that is not known yet is tried: the engine reports `unsupported` if need be.
 */
export function choose(channel: Channel, wanted: KindWord, canPlay: (codec: string) => boolean): Choice {
  const tracks = [...channel.tracks].sort((a, b) => Number(b.kind === wanted) - Number(a.kind === wanted));
  const first = tracks[0];
  if (!first) return { track: wanted, how: "media", because: null };
  const fits = (track: TrackState): boolean => track.codec === null || canPlay(track.codec);
  const best = tracks.find((track) => fits(track) && (track === first || track.codec !== null));
  if (!best) return { track: first.kind, how: "stills", because: "codec" };
  return { track: best.kind, how: "media", because: best === first ? null : "codec" };
}

/** A stream is only worth asking for where it was ever recorded: a camera may have but one, or have one switched off. */
export function present(channel: Channel, wanted: KindWord): KindWord {
  const known = channel.tracks.filter((track) => track.codec !== null || track.last_us !== null).map((track) => track.kind);
  return known.includes(wanted) ? wanted : (known[0] ?? "main");
}

/** After the engine found that it cannot show a track: the other one once, if it was ever recorded, then stills. */
export function fallback(channel: Channel, now: Choice, wanted: KindWord, because: Why): Choice {
  const other = channel.tracks.find((track) => track.kind !== now.track && (track.codec !== null || track.last_us !== null));
  if (now.track === wanted && other && now.how === "media") return { track: other.kind, how: "media", because };
  return { track: wanted, how: "stills", because };
}
