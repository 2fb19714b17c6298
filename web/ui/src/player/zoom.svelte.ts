/** How a picture is magnified and moved: what was pointed at stays under the pointer, and the picture always fills its place. */

const MOST = 16;

export class Zoom {
  scale = $state(1);
  /** Where the picture's left upper corner lies, in parts of its place: 0 … 1 − scale. */
  x = $state(0);
  y = $state(0);

  readonly active = $derived(this.scale > 1);
  readonly css = $derived(this.scale === 1 ? "none" : `translate(${this.x * 100}%, ${this.y * 100}%) scale(${this.scale})`);

  /** Magnify around a point of the place (0 … 1 both ways). */
  by(factor: number, atX = 0.5, atY = 0.5): void {
    const scale = Math.min(MOST, Math.max(1, this.scale * factor));
    const grown = scale / this.scale;
    this.scale = scale;
    this.#put(atX - (atX - this.x) * grown, atY - (atY - this.y) * grown);
  }

  /** Move by parts of the place. */
  move(byX: number, byY: number): void {
    this.#put(this.x + byX, this.y + byY);
  }

  reset(): void {
    this.scale = 1;
    this.x = this.y = 0;
  }

  #put(x: number, y: number): void {
    this.x = Math.min(0, Math.max(1 - this.scale, x));
    this.y = Math.min(0, Math.max(1 - this.scale, y));
  }
}
