/** The server's clock and zone: "now" everywhere on the page is the recorder's now, not the PC's. */

import { Zone } from "./zone";

class ServerClock {
  zone = $state.raw(new Zone("Asia/Ho_Chi_Minh"));
  /** Moves once a second: for words such as "3 minutes ago". */
  second_us = $state(Date.now() * 1000);
  #offset_us = (Date.now() - performance.now()) * 1000;
  #trust_ms = Infinity;

  constructor() {
    setInterval(() => (this.second_us = this.nowUs()), 1000);
  }

  nowUs(): number {
    return Math.round(performance.now() * 1000 + this.#offset_us);
  }

  /** Take in an answer that said `now_us`; the one with the shortest way is the best, but trust fades. */
  learn(nowUs: number, sentMs: number, receivedMs: number): void {
    const way = receivedMs - sentMs;
    const offset = nowUs - ((sentMs + receivedMs) / 2) * 1000;
    this.#trust_ms += 2;
    // Both cannot be right: the server's clock was set, or this PC slept and its timer with it.
    const disproved = Math.abs(offset - this.#offset_us) > 1000 * (way + this.#trust_ms);
    if (way > this.#trust_ms && !disproved) return;
    this.#trust_ms = way;
    this.#offset_us = offset;
  }

  setZone(name: string): void {
    if (name !== this.zone.name) this.zone = new Zone(name);
  }
}

export const clock = new ServerClock();
