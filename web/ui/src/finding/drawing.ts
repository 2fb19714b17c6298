/** Bookmarks on the timeline: a ribbon that hangs into the lane, told from everything else by its shape. */

const HALF = 6; // px
const TALL = 20;

export function drawBookmarks(
  c: CanvasRenderingContext2D,
  times_us: readonly number[],
  x: (atUs: number) => number,
  pixels: number,
  [top, bottom]: [number, number],
  colours: { text: string; panel: string },
): void {
  for (const at of times_us) {
    const middle = x(at);
    if (middle < -HALF || middle > pixels + HALF) continue;
    c.fillStyle = colours.text;
    c.strokeStyle = colours.panel;
    c.lineWidth = 1.5;
    c.fillRect(middle - 0.75, top, 1.5, bottom - top);
    c.beginPath();
    c.moveTo(middle - HALF, top);
    c.lineTo(middle + HALF, top);
    c.lineTo(middle + HALF, top + TALL);
    c.lineTo(middle, top + TALL - HALF);
    c.lineTo(middle - HALF, top + TALL);
    c.closePath();
    c.fill();
    c.stroke();
  }
}
