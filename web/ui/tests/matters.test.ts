import { describe, expect, test } from "vitest";

import type { MatterWord, Trouble } from "../src/api/types";
import { lasting, restarted } from "../src/shell/matters";

const HOUR_US = 3_600_000_000;
const trouble = (matter: string, more: Partial<Trouble> = {}): Trouble => ({
  began_us: 1,
  ended_us: null,
  matter: matter as MatterWord,
  volume: null,
  detail: "why",
  ...more,
});

describe("troubles that are alarms of their own", () => {
  test("what the disks tell already is not told twice, what is over not at all", () => {
    expect(lasting([trouble("away"), trouble("stopped"), trouble("index", { ended_us: 5 })])).toEqual([]);
    expect(lasting([trouble("index")])).toMatchObject([{ detail: "why" }]);
  });

  test("a matter of a newer server is told by its word", () => {
    expect(lasting([trouble("flood")])[0]?.words).toContain("“flood”");
  });

  test("a stop of the night is told in the morning, and not a day later", () => {
    const night = trouble("stopped", { began_us: HOUR_US, ended_us: 2 * HOUR_US });
    expect(restarted([trouble("away", { ended_us: 3 * HOUR_US }), night], 8 * HOUR_US)).toBe(night);
    expect(restarted([night], 15 * HOUR_US)).toBeNull();
    expect(restarted([trouble("stopped")], 8 * HOUR_US)).toBeNull();
  });
});
