/** A clock that runs at any speed, both ways: which instant of the past is due now. Pure; ms are performance.now()'s. */

export class Pace {
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

  /** The instant that is due. */
  at(nowMs: number): number {
    return this.#us + (nowMs - this.#ms) * 1000 * this.speed;
  }

  /** Go on from another instant: over a gap, or because pictures were late. */
  set(atUs: number, nowMs: number): void {
    this.#us = atUs;
    this.#ms = nowMs;
  }
}
