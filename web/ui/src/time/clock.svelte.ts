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
    this.#trust_ms += 2;
    if (way > this.#trust_ms) return;
    this.#trust_ms = way;
    this.#offset_us = nowUs - ((sentMs + receivedMs) / 2) * 1000;
  }

  setZone(name: string): void {
    if (name !== this.zone.name) this.zone = new Zone(name);
  }
}

export const clock = new ServerClock();
