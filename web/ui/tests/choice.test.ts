import { describe, expect, test } from "vitest";

import type { Channel } from "../src/api/types";
import { choose, fallback, present } from "../src/player/choice";
import { track } from "./channel";

const H264 = "avc1.4d4028";
const H265 = "hvc1.1.6.L120.90";
const noH265 = (codec: string): boolean => codec.startsWith("avc1");

function camera(main: string | null, sub?: string | null): Channel {
  const tracks = [track("main", "recording", main), ...(sub === undefined ? [] : [track("sub", "recording", sub)])];
  return { number: 1, name: "", enabled: true, first_us: null, last_us: null, tracks, removed: false };
}

describe("choice of track", () => {
  test("a sub stream that was never recorded is not asked for", () => {
    expect(present(camera(H264, H264), "sub")).toBe("sub");
    expect(present(camera(H264, null), "sub")).toBe("main");
    expect(present(camera(H264), "sub")).toBe("main");
    expect(present(camera(null), "main")).toBe("main");
  });

  test("what can be decoded is shown as wanted", () => {
    expect(choose(camera(H264, H264), "main", noH265)).toEqual({ track: "main", how: "media", because: null });
    expect(choose(camera(H264, H264), "sub", noH265)).toEqual({ track: "sub", how: "media", because: null });
    expect(choose(camera(H265, H264), "main", () => true)).toEqual({ track: "main", how: "media", because: null });
  });

  test("H.265 falls back to the H.264 sub stream, else to stills", () => {
    expect(choose(camera(H265, H264), "main", noH265)).toEqual({ track: "sub", how: "media", because: "codec" });
    expect(choose(camera(H265, H265), "main", noH265)).toEqual({ track: "main", how: "stills", because: "codec" });
    expect(choose(camera(H265), "main", noH265)).toEqual({ track: "main", how: "stills", because: "codec" });
  });

  test("a codec not yet known is tried", () => {
    expect(choose(camera(null, null), "main", noH265)).toEqual({ track: "main", how: "media", because: null });
  });

  test("footage in a codec of earlier days goes the same way down", () => {
    const first = choose(camera(H264, H264), "main", noH265);
    const second = fallback(camera(H264, H264), first, "main", "codec");
    const third = fallback(camera(H264, H264), second, "main", "codec");
    expect([second.track, second.how]).toEqual(["sub", "media"]);
    expect([third.track, third.how]).toEqual(["main", "stills"]);
    expect(fallback(camera(H264), choose(camera(H264), "main", noH265), "main", "codec").how).toBe("stills");
  });
});
