/** The marked range that a clip is made of. */

import { HOUR_US } from "../time/units";

export const LONGEST_CLIP_US = 24 * HOUR_US; // the server's limit

class Marks {
  from_us = $state<number | null>(null);
  to_us = $state<number | null>(null);

  /** Marks in the wrong order push the other one out: the mark set last is what the person means. */
  setFrom(atUs: number): void {
    this.from_us = Math.round(atUs);
    if (this.to_us !== null && this.to_us <= this.from_us) this.to_us = null;
  }

  setTo(atUs: number): void {
    this.to_us = Math.round(atUs);
    if (this.from_us !== null && this.from_us >= this.to_us) this.from_us = null;
  }

  clear(): void {
    this.from_us = this.to_us = null;
  }

  /** Both marks, or null. */
  get range(): { from_us: number; to_us: number } | null {
    return this.from_us !== null && this.to_us !== null ? { from_us: this.from_us, to_us: this.to_us } : null;
  }
}

export const marks = new Marks();
