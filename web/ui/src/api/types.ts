/**
 * The answers of the recorder's web API, field by field as `/api/openapi.json` has them.
 * Times are integers: microseconds UTC (`_us`) or 90 kHz ticks (`_90k`); all fit a number exactly.
 */

export type TrackKind = "main" | "sub";

export type TrackState = "recording" | "connecting" | "waiting" | "failed" | "off" | "stopped";

export type GapReason =
  | "camera"
  | "network"
  | "authentication"
  | "restart"
  | "disk"
  | "overload"
  | "operator"
  | "clock"
  | "retention";

/** Every error answer: a plain sentence, the place it is about and how to mend it (either may be empty). */
export interface ErrorAnswer {
  error: string;
  where: string;
  hint: string;
}

/** How much is recorded: less than all while the disks are nearly full and nothing may be deleted. */
export type Records = "all" | "sub_only" | "key_frames" | "nothing";

/** `trouble` is empty while the volume takes footage. */
export type VolumeTrouble = "away" | "failed" | "failing" | "short" | "single" | "damaged" | "worn" | "unindexed";

export interface VolumeState {
  number: number;
  free_bytes: number;
  total_bytes: number;
  trouble: string;
  kind: VolumeTrouble | null;
}

export interface Site {
  name: string;
  timezone: string;
  version: string;
  now_us: number;
  scrub: { began_us: number; percent: number; damaged: number } | null;
  recorder: { running: boolean; heartbeat_us: number | null; started_us: number | null; records: Records };
  volumes: VolumeState[];
}

export interface TrackStatus {
  kind: TrackKind;
  state: TrackState;
  reason: GapReason | null;
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

export interface Channel {
  number: number;
  name: string;
  enabled: boolean;
  first_us: number | null;
  last_us: number | null;
  tracks: TrackStatus[];
}

/** A half-open stretch of wall time: [start_us, end_us). */
export type Span = [start_us: number, end_us: number];

export interface Gap {
  start_us: number;
  end_us: number;
  reason: GapReason;
  detail: string;
  open: boolean;
}

export interface TimelineAnswer {
  track: TrackKind;
  from_us: number;
  to_us: number;
  now_us: number;
  first_us: number | null;
  last_us: number | null;
  spans: Span[];
  gaps: Gap[];
}

/** One moof + mdat: its bytes [offset, end) of the chunk's media, its place in the chunk and in wall time. */
export type FragmentRow = [
  offset: number,
  end: number,
  decode_90k: number,
  duration_90k: number,
  presentation_us: number,
  sync: number,
];

export interface ChunkAnswer {
  start_us: number;
  end_us: number;
  init_url: string;
  media_url: string;
  codec: string;
  width: number;
  height: number;
  composition_delay_90k: number;
  sealed: boolean;
  fragments: FragmentRow[];
}

export interface FragmentsAnswer {
  track: TrackKind;
  from_us: number;
  to_us: number;
  now_us: number;
  previous_us: number | null;
  next_us: number | null;
  chunks: ChunkAnswer[];
  gaps: Gap[];
}

/** Text messages of the live WebSocket; binary messages are the init segment and then fragments. */
export type LiveMessage =
  | {
      type: "init";
      track: TrackKind;
      codec: string;
      width: number;
      height: number;
      start_us: number;
      composition_delay_90k: number;
      run: number;
      sequence: number;
    }
  | { type: "skip" }
  | { type: "state"; state: TrackState; reason: GapReason | null; message: string };

/** One local day of a channel, in seconds. */
export interface CoverageDay {
  expected_s: number;
  recorded_s: number;
  missing_s: Partial<Record<GapReason, number>>;
  unexplained_s: number;
}

export interface Kept {
  promised_days: number;
  holding_days: number;
  expected_days: number;
  least_days: number;
  quota_days: number | null;
  impossible: boolean;
}

export interface ChannelCoverage {
  number: number;
  name: string;
  promise: Kept;
  days: CoverageDay[];
}

/** `days` are local dates, today last; every channel has as many. */
export interface Coverage {
  track: TrackKind;
  timezone: string;
  now_us: number;
  horizon_days: number;
  days: string[];
  day_starts_us: number[];
  promise: Kept;
  channels: ChannelCoverage[];
}

export type Matter = VolumeTrouble | Exclude<Records, "all"> | "stopped" | "index";

/** Something that was the matter with the recorder or a disk. */
export interface Trouble {
  began_us: number;
  ended_us: number | null;
  matter: Matter;
  volume: number | null;
  detail: string;
}

export interface Troubles {
  now_us: number;
  troubles: Trouble[];
}

/** An instant of a camera that somebody wants to find again. */
export interface Bookmark {
  number: number;
  channel: number;
  at_us: number;
  note: string;
  author: string;
  made_us: number;
}

/** Text messages of a search's socket: it looks at `at_us`; the change lies between `low_us` and `high_us`. */
export interface BisectProgress {
  type: "progress";
  at_us: number;
  low_us: number;
  high_us: number;
  decodes: number;
  limit: number;
}

/** The last one. `gaps`: footage that is missing between the two pictures. */
export interface BisectFinding {
  type: "finding";
  verdict: "found" | "unsure" | "alike" | "unlike" | "dark" | "nothing";
  before_us: number;
  after_us: number;
  decodes: number;
  gaps: Gap[];
}

/** Text messages of a motion search's socket, stretches by time. */
export interface MotionProgress {
  type: "progress";
  at_us: number;
  decodes: number;
  planned: number;
  key_frames: number;
}

export interface MotionStretch {
  type: "stretch";
  start_us: number;
  end_us: number;
  picture_us: number;
}

export interface MotionEnd {
  type: "end";
  decodes: number;
  key_frames: number;
  gaps: Gap[];
}

export type MotionMessage = MotionProgress | MotionStretch | MotionEnd | ErrorAnswer;

export type BisectMessage = BisectProgress | BisectFinding | ErrorAnswer;

/** One cell of a strip; null: nothing was recorded in it. */
export interface Thumbnail {
  start_us: number;
  at_us: number | null;
  url: string | null;
}

export interface Thumbnails {
  track: TrackKind;
  now_us: number;
  step_us: number;
  thumbnails: Thumbnail[];
}

/** One sample: its bytes in the chunk's media, the wall time of its picture, and 1 if it decodes alone. */
export type SampleRow = [offset: number, size: number, shown_us: number, sync: number];

/** Samples of one chunk in decoding order; `description` (base64) is what WebCodecs opens a decoder with. */
export interface SampleChunk {
  start_us: number;
  end_us: number;
  media_url: string;
  codec: string;
  description: string;
  width: number;
  height: number;
  sealed: boolean;
  samples: SampleRow[];
}

/** `previous_us`, `next_us`: where other footage ends before the window, and begins behind it. */
export interface SamplesAnswer {
  track: TrackKind;
  from_us: number;
  to_us: number;
  now_us: number;
  previous_us: number | null;
  next_us: number | null;
  chunks: SampleChunk[];
  gaps: Gap[];
}

/** What a clip of one camera would hold; `about_bytes` 0: nothing. */
export interface ClipFacts {
  channel: number;
  about_bytes: number;
  missing_us: number;
  gaps: Gap[];
}

export interface ClipSet {
  track: TrackKind;
  from_us: number;
  to_us: number;
  about_bytes: number;
  clips: ClipFacts[];
}

/** One channel in the cells of a window; the texts are base64, one byte a cell (web/API.md). */
export interface ChannelOverview {
  number: number;
  first_us: number | null;
  last_us: number | null;
  recorded: string;
  missing: string;
  activity: string;
}

export interface OverviewAnswer {
  track: TrackKind;
  from_us: number;
  to_us: number;
  now_us: number;
  cells: number;
  reasons: GapReason[];
  channels: ChannelOverview[];
}

export interface ActivityAnswer {
  track: TrackKind;
  start_us: number;
  step_us: number;
  activity: string;
}
