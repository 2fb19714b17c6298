import { describe, expect, it } from "vitest";

import { isLocal, m3u, wholeAddress } from "../src/clip/address";

describe("addresses for other players", () => {
  it("are whole", () => {
    expect(wholeAddress("/api/x?a=1", "http://10.0.0.5:8055/#/3")).toBe("http://10.0.0.5:8055/api/x?a=1");
  });

  it("stand in a list of one line each, whatever a camera is called", () => {
    expect(m3u("1 Cổng chợ\nhttp://evil/", "http://a/b")).toBe("#EXTM3U\n#EXTINF:-1,1 Cổng chợ http://evil/\nhttp://a/b\n");
  });

  it("say when they lead nowhere else", () => {
    expect(["localhost", "127.0.0.1", "[::1]", "10.0.0.5", "nvr.hoxa.vn"].map(isLocal)).toEqual([true, true, true, false, false]);
  });
});
