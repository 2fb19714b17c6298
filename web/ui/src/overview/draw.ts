/** Draws the rows of all cameras on a canvas. Reads values, keeps nothing. */

import { type Palette } from "../timeline/draw";
import { ticks } from "../timeline/ticks";
import { type Viewport, xOf } from "../timeline/viewport";
import type { Zone } from "../time/zone";
import { type Cells, cellWidthUs, type Run, runsOf, type Row } from "./cells";

export const RULER = 34; // px above the rows
const THINNEST = 2; // px: a hole stays to be seen

export interface Picture {
  view: Viewport;
  cells: Cells | null;
  /** Camera numbers from the top, those in sight. */
  numbers: readonly number[];
  /** Of the first of them, in px below the ruler. */
  top: number;
  rowHeight: number;
  height: number;
  hovered: number | null;
  hover_us: number | null;
  now_us: number;
  zone: Zone;
}

export function draw(c: CanvasRenderingContext2D, pixels: number, colours: Palette, p: Picture): void {
  const brush = new Brush(c, pixels, colours, p);
  c.clearRect(0, 0, pixels, p.height);
  p.numbers.forEach((number, index) => brush.row(number, RULER + p.top + index * p.rowHeight));
  brush.ruler();
  brush.lines();
}

class Brush {
  constructor(
    private readonly c: CanvasRenderingContext2D,
    private readonly pixels: number,
    private readonly colours: Palette,
    private readonly p: Picture,
  ) {}

  row(number: number, y: number): void {
    const { c, colours, p } = this;
    const tall = p.rowHeight - (p.rowHeight > 20 ? 4 : 2);
    const now = xOf(p.view, p.now_us, this.pixels);
    c.fillStyle = p.hovered === number ? colours.line : colours.lane;
    c.fillRect(0, y, Math.min(now, this.pixels), tall);
    c.fillStyle = colours.future;
    if (now < this.pixels) c.fillRect(Math.max(0, now), y, this.pixels, tall);
    const row = p.cells?.rows.get(number);
    if (!p.cells || !row) return;
    const [first, end] = this.inSight(p.cells);
    for (const run of runsOf(row, first, end)) this.run(p.cells, run, y, tall);
    this.activity(p.cells, row, first, end, y, tall);
  }

  /** Recorded: filled with an edge. Missing: hatched, so that it is told without colour. Holed: both. */
  private run(cells: Cells, run: Run, y: number, tall: number): void {
    if (run.look === "nothing") return;
    const { c, colours } = this;
    const [left, right] = this.edges(cells, run);
    if (run.look !== "missing") {
      c.fillStyle = colours.footage;
      c.fillRect(left, y, right - left, tall);
    }
    if (run.look === "whole") return;
    const from = run.look === "missing" ? y : y + tall / 2;
    c.fillStyle = colours.gapGround;
    c.fillRect(left, from, right - left, y + tall - from);
    c.fillStyle = colours.gap;
    c.fillRect(left, y + tall - 2, right - left, 2);
    if (run.look === "missing") c.fillRect(left, y, right - left, 2);
    this.hatch(left, right, from, y + tall);
  }

  private hatch(left: number, right: number, top: number, bottom: number): void {
    const { c, colours } = this;
    c.save();
    c.beginPath();
    c.rect(left, top, right - left, bottom - top);
    c.clip();
    c.strokeStyle = colours.gap;
    c.lineWidth = 1.5;
    c.beginPath();
    const tall = bottom - top;
    for (let x = Math.floor((left - tall) / 7) * 7; x < right; x += 7) {
      c.moveTo(x, bottom);
      c.lineTo(x + tall, top);
    }
    c.stroke();
    c.restore();
  }

  /** How much moved: a bar from the bottom of the row. */
  private activity(cells: Cells, row: Row, first: number, end: number, y: number, tall: number): void {
    const { c, colours } = this;
    c.fillStyle = colours.activity;
    const [wide, from] = [this.cellPixels(cells), this.left(cells)];
    for (let place = first; place < end; place++) {
      const level = row.activity[place]!;
      if (level < 12) continue;
      const high = (level / 255) * (tall - 3);
      c.fillRect(from + place * wide, y + tall - high, Math.max(wide, 1), high);
    }
  }

  ruler(): void {
    const { c, colours, p } = this;
    c.textBaseline = "alphabetic";
    c.textAlign = "center";
    for (const tick of ticks(p.view, this.pixels, p.zone)) {
      const x = Math.round(xOf(p.view, tick.at_us, this.pixels)) + 0.5;
      c.strokeStyle = tick.midnight ? colours.edge : colours.line;
      c.globalAlpha = tick.midnight ? 0.8 : 0.45;
      c.lineWidth = 1;
      c.beginPath();
      c.moveTo(x, tick.major ? RULER - 10 : RULER - 4);
      c.lineTo(x, tick.major ? p.height : RULER);
      c.stroke();
      c.globalAlpha = 1;
      if (!tick.label) continue;
      c.font = `${tick.midnight ? 700 : 500} 14px ${colours.font}`;
      c.fillStyle = tick.midnight ? colours.text : colours.quiet;
      const half = c.measureText(tick.label).width / 2;
      if (x - half > 2 && x + half < this.pixels - 2) c.fillText(tick.label, x, RULER - 14);
    }
  }

  lines(): void {
    const { c, colours, p } = this;
    const now = xOf(p.view, p.now_us, this.pixels);
    c.strokeStyle = colours.text;
    c.lineWidth = 2;
    c.setLineDash([3, 3]);
    c.beginPath();
    c.moveTo(now, RULER - 6);
    c.lineTo(now, p.height);
    if (now >= 0 && now <= this.pixels) c.stroke();
    c.setLineDash([]);
    if (p.hover_us === null) return;
    c.fillStyle = colours.accent;
    c.fillRect(xOf(p.view, p.hover_us, this.pixels) - 0.5, RULER - 6, 1.5, p.height);
  }

  private inSight(cells: Cells): [first: number, end: number] {
    const wide = cellWidthUs(cells);
    const first = Math.floor((this.p.view.from_us - cells.from_us) / wide);
    const end = Math.ceil((this.p.view.to_us - cells.from_us) / wide);
    return [Math.max(0, first), Math.min(cells.count, end)];
  }

  private cellPixels(cells: Cells): number {
    return (cellWidthUs(cells) / (this.p.view.to_us - this.p.view.from_us)) * this.pixels;
  }

  private left(cells: Cells): number {
    return xOf(this.p.view, cells.from_us, this.pixels);
  }

  private edges(cells: Cells, run: Run): [left: number, right: number] {
    const [wide, from] = [this.cellPixels(cells), this.left(cells)];
    const left = Math.max(from + run.start * wide, -10);
    const right = Math.min(from + run.end * wide, this.pixels + 10);
    return [left, run.look === "whole" ? right : Math.max(right, left + THINNEST)];
  }
}
