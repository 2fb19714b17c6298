/** The clock of a wall: it stands, or runs from an instant at a speed; every camera follows it. Pure; ms are performance.now()'s. */

export class Beat {
  #us = 0;
  #ms = 0;
  #speed = 1;
  #runs = false;

  /** Also while it stands: the speed at which it will run. */
  get speed(): number {
    return this.#speed;
  }

  get runs(): boolean {
    return this.#runs;
  }

  at(nowMs: number): number {
    return this.#runs ? this.#us + Math.max(0, nowMs - this.#ms) * 1000 * this.#speed : this.#us;
  }

  /** Stand at an instant. */
  stand(atUs: number): void {
    this.#us = atUs;
    this.#runs = false;
  }

  /** Run from where it stands, beginning at `fromMs`, which may be a little later than now. */
  run(fromMs: number): void {
    this.#ms = fromMs;
    this.#runs = true;
  }

  setSpeed(speed: number, nowMs: number): void {
    this.#us = this.at(nowMs);
    this.#ms = Math.max(this.#ms, nowMs);
    this.#speed = speed;
  }
}
