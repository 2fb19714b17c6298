import type { Channel, KindWord, StateWord, TrackState } from "../src/api/types";

export function track(kind: KindWord, state: StateWord, codec: string | null = "avc1.4d4028"): TrackState {
  return {
    kind,
    state,
    reason: null,
    remark: null,
    message: "",
    since_us: null,
    codec,
    width: null,
    height: null,
    bitrate_bps: null,
    fps_milli: null,
    last_us: null,
    reconnects: 0,
    lost_packets: 0,
    clock_offset_us: null,
  };
}

export function channel(number: number, name: string, main: StateWord, sub?: StateWord): Channel {
  const tracks = [track("main", main), ...(sub ? [track("sub", sub)] : [])];
  return { number, name, enabled: true, first_us: null, last_us: null, tracks, removed: false };
}
