/** A clock that runs at any speed, both ways, and waits for late pictures. Pure; ms are performance.now()'s. */

import type { Step } from "../player/engine";

export class Pace implements Step {
  #us: number;
  #ms: number;

  /** `speed`: negative backwards, 0 standing. */
  constructor(
    atUs: number,
    nowMs: number,
    readonly speed: number,
  ) {
    this.#us = atUs;
    this.#ms = nowMs;
  }

  dueUs(nowMs: number): number {
    return this.#us + (nowMs - this.#ms) * 1000 * this.speed;
  }

  wait(atUs: number, nowMs: number): boolean {
    this.#us = atUs;
    this.#ms = nowMs;
    return true;
  }

  behind(): void {
    // it waits, so that nothing is ever behind it
  }
}
