/** The server's answers, made from its description of the API by `make types`. Not to be changed by hand. */

/** How much moved before one camera. */
export interface Activity {
  track: KindWord;
  start_us: number;
  step_us: number;
  activity: string;
}

/** The last text on a search's socket. The change lies between the pictures of two instants. */
export interface BisectFinding {
  type: "finding";
  verdict: VerdictWord;
  before_us: number;
  after_us: number;
  decodes: number;
  gaps: Gap[];
}

/** Text on a search's socket: it looks at an instant; the change lies between two others. */
export interface BisectProgress {
  type: "progress";
  at_us: number;
  low_us: number;
  high_us: number;
  decodes: number;
  limit: number;
}

/** An instant that somebody wants to find again. */
export interface Bookmark {
  number: number;
  channel: number;
  at_us: number;
  note: string;
  author: string;
  made_us: number;
}

/** One channel; `days` as in `Coverage`. */
export interface ChannelCoverage {
  number: number;
  name: string;
  promise: Promise;
  days: DayCoverage[];
  names: [number, number, string][];
}

/** One channel in the cells of a window. The three texts are base64, one byte a cell. */
export interface ChannelOverview {
  number: number;
  first_us: number | null;
  last_us: number | null;
  recorded: string;
  missing: string;
  activity: string;
}

/** One configured camera input with its tracks; `removed`: it is none any more, but has footage. */
export interface ChannelState {
  number: number;
  name: string;
  enabled: boolean;
  first_us: number | null;
  last_us: number | null;
  tracks: TrackState[];
  removed: boolean;
}

/**
 * The fragments of one chunk file that a player needs for a window.
 *
 * A row of `fragments` is `[offset, end, decode_90k, duration_90k, presentation_us, sync]`: the bytes
 * `[offset, end)` of `media_url`, the decode time in the chunk, and the wall time of the first sample. `coarse`:
 * times in this chunk are those at which pictures came, right to a second.
 */
export interface ChunkTable {
  start_us: number;
  end_us: number;
  init_url: string;
  media_url: string;
  codec: string;
  width: number;
  height: number;
  composition_delay_90k: number;
  sealed: boolean;
  coarse: boolean;
  clock_doubtful: boolean;
  fragments: [number, number, number, number, number, number][];
}

/** What a clip of one channel would hold. `about_bytes` is right to a few percent; 0: nothing was recorded. */
export interface ClipFacts {
  channel: number;
  about_bytes: number;
  missing_us: number;
  gaps: Gap[];
  names: [number, number, string][];
}

/** Clips of several channels. */
export interface ClipSet {
  track: KindWord;
  from_us: number;
  to_us: number;
  about_bytes: number;
  clips: ClipFacts[];
}

/** The server's clock. While it is doubted, footage is recorded and marked, and none is deleted for its age. */
export interface ClockState {
  believed: boolean;
  off_us: number;
  marking: boolean;
}

/** The ledger: `days` are local dates, such as 2026-11-26, today last. */
export interface Coverage {
  track: KindWord;
  timezone: string;
  now_us: number;
  horizon_days: number;
  days: string[];
  day_starts_us: number[];
  promise: Promise;
  channels: ChannelCoverage[];
}

/** One UTC day: 1,440 bits in base64, minute m is bit `m & 7` of byte `m >> 3`. */
export interface Day {
  day: number;
  minutes: string;
}

/**
 * One local day of one track, in seconds. `expected_s`: 0 before the first footage, less than a day today.
 *
 * `coarse_s` and `doubtful_s`: how much of what was recorded is that, as in `Timeline`, by the minute.
 */
export interface DayCoverage {
  expected_s: number;
  recorded_s: number;
  missing_s: Partial<Record<ReasonWord, number>>;
  unexplained_s: number;
  coarse_s: number;
  doubtful_s: number;
}

/** The days that hold footage of a track. */
export interface Days {
  track: KindWord;
  days: Day[];
}

/** It is done, and there is nothing to tell. */
export interface Done {
}

/** What a Media Source player needs for a window; starts at the sync fragment at or before `from_us`. */
export interface Fragments {
  track: KindWord;
  from_us: number;
  to_us: number;
  now_us: number;
  previous_us: number | null;
  next_us: number | null;
  chunks: ChunkTable[];
  gaps: Gap[];
  twice: [number, number][];
  damaged: [number, number][];
  names: [number, number, string][];
}

/** A missing stretch with its reason; `open` means it is still going on and `end_us` is now. */
export interface Gap {
  start_us: number;
  end_us: number;
  reason: ReasonWord;
  detail: string;
  open: boolean;
}

export type KindWord = "main" | "sub";

/** Text on the live socket before an init segment: what follows, and the wall time of its media time 0. */
export interface LiveInit {
  type: "init";
  track: KindWord;
  codec: string;
  width: number;
  height: number;
  start_us: number;
  composition_delay_90k: number;
  run: number;
  sequence: number;
}

/** Text on the live socket: fragments were left out, the next one starts with a sync sample. */
export interface LiveSkip {
  type: "skip";
}

/** Text on the live socket: the state of the track, in the words of /api/channels. */
export interface LiveState {
  type: "state";
  state: StateWord;
  reason: ReasonWord | null;
  message: string;
}

export type MatterWord = "away" | "clock" | "damaged" | "failed" | "failing" | "index" | "key_frames" | "nothing" | "registry" | "short" | "single" | "stopped" | "sub_only" | "unindexed" | "worn";

/** The last text on a motion search's socket. */
export interface MotionEnd {
  type: "end";
  decodes: number;
  key_frames: number;
  gaps: Gap[];
}

/** Text on a motion search's socket: it looks at an instant, in the order of time. */
export interface MotionProgress {
  type: "progress";
  at_us: number;
  decodes: number;
  planned: number;
  key_frames: number;
}

/** Something moved, came or went in the box. The picture that shows it best is that of `picture_us`. */
export interface MotionStretch {
  type: "stretch";
  start_us: number;
  end_us: number;
  picture_us: number;
}

/** The body that makes a bookmark. */
export interface Note {
  note: string;
}

/** Every channel in a window. */
export interface Overview {
  track: KindWord;
  from_us: number;
  to_us: number;
  now_us: number;
  cells: number;
  reasons: ReasonWord[];
  channels: ChannelOverview[];
}

/** Every error: what happened in one plain sentence, where, and how to mend it. */
export interface Problem {
  error: string;
  where: string;
  hint: string;
}

/**
 * In days: what was promised, what is there, and what will be there `horizon_days` from now.
 *
 * `least_days`: younger footage never goes for want of room. `quota_days`: what its quotas have room for; null: it
 * has none, or nothing comes in. `impossible`: those are fewer than `least_days`.
 */
export interface Promise {
  promised_days: number;
  holding_days: number;
  expected_days: number;
  least_days: number;
  quota_days: number | null;
  impossible: boolean;
}

export type ReasonWord = "authentication" | "camera" | "clock" | "disk" | "network" | "operator" | "overload" | "restart" | "retention" | "settings";

/** Whether the recorder process is alive, from its heartbeat on the board, and how much it records. */
export interface Recorder {
  running: boolean;
  heartbeat_us: number | null;
  started_us: number | null;
  records: RecordsWord;
}

export type RecordsWord = "all" | "key_frames" | "nothing" | "sub_only";

export type RemarkWord = "coarse" | "key_frames" | "other";

/**
 * Samples of one chunk file, in decoding order.
 *
 * `description` is the payload of avcC or hvcC in base64, what WebCodecs opens a decoder with. A row of `samples`
 * is `[offset, size, shown_us, sync]`: its bytes in `media_url`, and the wall time at which its picture is shown.
 * `coarse` as in `ChunkTable`.
 */
export interface SampleTable {
  start_us: number;
  end_us: number;
  media_url: string;
  codec: string;
  description: string;
  width: number;
  height: number;
  sealed: boolean;
  coarse: boolean;
  samples: [number, number, number, number][];
}

/** What a decoder needs for a window. `previous_us` and `next_us`: where there is other footage around it. */
export interface Samples {
  track: KindWord;
  from_us: number;
  to_us: number;
  now_us: number;
  previous_us: number | null;
  next_us: number | null;
  chunks: SampleTable[];
  gaps: Gap[];
}

/** How far the archive is verified in the round that goes on. */
export interface ScrubState {
  began_us: number;
  percent: number;
  damaged: number;
}

/** Who and where this recorder is, and what time it is there. */
export interface Site {
  name: string;
  timezone: string;
  version: string;
  now_us: number;
  recorder: Recorder;
  volumes: VolumeState[];
  scrub: ScrubState | null;
  clock: ClockState | null;
}

export type StateWord = "connecting" | "no_disk" | "off" | "recording" | "starting" | "stopped" | "waiting";

/** One cell of a strip: the place of its picture, and where to fetch it; null: nothing was recorded in the cell. */
export interface Thumbnail {
  start_us: number;
  at_us: number | null;
  url: string | null;
}

/** A window in equal cells of `step_us` on a fixed grid, so that the same pictures are asked for again. */
export interface Thumbnails {
  track: KindWord;
  now_us: number;
  step_us: number;
  thumbnails: Thumbnail[];
}

/**
 * What was recorded in a window and what is missing, both clipped to the window.
 *
 * `coarse`: the times of these files' pictures are in part those at which they came, right to a second, for the
 * camera's time stamps could not be believed. `doubtful`: the server's own clock was not believed when they were
 * begun. Both are known of finished files. `damaged`: the scrub has found that bytes have changed on
 * the disk since; it is shown all the same. `away`: recorded, but on a disk alone that is not there now, such as one
 * that was unplugged.
 */
export interface Timeline {
  track: KindWord;
  from_us: number;
  to_us: number;
  now_us: number;
  first_us: number | null;
  last_us: number | null;
  spans: [number, number][];
  gaps: Gap[];
  coarse: [number, number][];
  doubtful: [number, number][];
  twice: [number, number][];
  takes: number[];
  damaged: [number, number][];
  away: [number, number][];
  names: [number, number, string][];
}

/** One stream of a channel as it is now. */
export interface TrackState {
  kind: KindWord;
  state: StateWord;
  reason: ReasonWord | null;
  remark: RemarkWord | null;
  message: string;
  since_us: number | null;
  codec: string | null;
  width: number | null;
  height: number | null;
  bitrate_bps: number | null;
  fps_milli: number | null;
  last_us: number | null;
  reconnects: number;
  lost_packets: number;
  clock_offset_us: number | null;
}

/** Something that was the matter with the recorder or a disk. */
export interface Trouble {
  began_us: number;
  ended_us: number | null;
  matter: MatterWord;
  volume: number | null;
  detail: string;
}

/** What was the matter, newest first. */
export interface Troubles {
  now_us: number;
  troubles: Trouble[];
}

export type VerdictWord = "alike" | "dark" | "found" | "nothing" | "unlike" | "unsure";

/** One volume as it is now. */
export interface VolumeState {
  number: number;
  free_bytes: number;
  total_bytes: number;
  trouble: string;
  kind: VolumeTroubleWord | null;
}

export type VolumeTroubleWord = "away" | "damaged" | "failed" | "failing" | "short" | "single" | "unindexed" | "worn";
