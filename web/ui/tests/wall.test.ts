import { describe, expect, test } from "vitest";

import { steer } from "../src/player/steer";
import { Beat } from "../src/wall/beat";
import { shifts } from "../src/wall/offsets";

describe("the clock of a wall", () => {
  test("stands, runs from a given moment, and changes its speed without a jump", () => {
    const beat = new Beat();
    beat.stand(5_000_000);
    expect(beat.at(123)).toBe(5_000_000);
    beat.run(1_000);
    expect(beat.at(900)).toBe(5_000_000); // not begun
    expect(beat.at(2_000)).toBe(6_000_000);
    beat.setSpeed(-4, 2_000);
    expect(beat.at(2_000)).toBe(6_000_000);
    expect(beat.at(2_500)).toBe(4_000_000);
  });
});

describe("keeping step", () => {
  test("who is behind plays faster, who is ahead slower, and both by no more than a quarter", () => {
    expect(steer(-40_000, 1)).toEqual({ kind: "rate", rate: 1.1 });
    expect(steer(40_000, 2)).toEqual({ kind: "rate", rate: 1.8 });
    expect(steer(-300_000, 1)).toEqual({ kind: "rate", rate: 1.25 });
    expect(steer(2_000, 1)).toEqual({ kind: "rate", rate: 1 });
  });

  test("who is far off jumps to where the clock will be", () => {
    expect(steer(-2_000_000, 2)).toEqual({ kind: "jump", leadUs: 240_000 });
  });

  test("nudging comes to rest within 4 ms in two seconds", () => {
    let error = -120_000;
    for (let tick = 0; tick < 20; tick++) {
      const step = steer(error, 1);
      if (step.kind === "rate") error += (step.rate - 1) * 100_000;
    }
    expect(Math.abs(error)).toBeLessThan(4_000);
  });
});

describe("cameras' own clocks", () => {
  test("a camera whose clock runs ahead was seen earlier than its footage says", () => {
    expect(shifts([-100_000, -150_000, -250_000])).toEqual([-50_000, 0, 100_000]);
  });

  test("a clock that nobody sets, and one that is not known, move nothing", () => {
    expect(shifts([null, 3_600_000_000, -100_000, -120_000])).toEqual([0, 0, 0, 20_000]);
    expect(shifts([-100_000])).toEqual([0]);
  });
});
