/** Draws the timeline on a canvas. Reads values, keeps nothing. */

import { drawBookmarks } from "../finding/drawing";
import { clamp } from "../time/units";
import { clockText, type Zone } from "../time/zone";
import type { Coverage } from "./coverage";
import { ticks } from "./ticks";
import { type Viewport, width, xOf } from "./viewport";

export interface Palette {
  panel: string;
  lane: string;
  future: string;
  line: string;
  edge: string;
  text: string;
  quiet: string;
  accent: string;
  onAccent: string;
  footage: string;
  footageEdge: string;
  activity: string;
  gap: string;
  gapGround: string;
  range: string;
  font: string;
}

export interface Picture {
  view: Viewport;
  facts: Coverage;
  zone: Zone;
  now_us: number;
  cursor_us: number | null;
  live: boolean;
  hover_us: number | null;
  /** Of time that was recorded more than once, which is shown; null: the last. */
  take: number | null;
  range: { from_us: number | null; to_us: number | null };
  bookmarks_us: readonly number[];
  /** How much moved: from, to, and one byte for each equal part of it. */
  activity: Strip | null;
  /** When single pictures begin, where they are told apart. */
  pictures_us: readonly number[];
  words: { now: string };
  gapWords: (reason: Coverage["gaps"][number]["reason"]) => string;
}

export interface Strip {
  readonly from_us: number;
  readonly to_us: number;
  readonly levels: Uint8Array;
}

export const HEIGHT = 116;
export const LANE_TOP = 44;
export const LANE_BOTTOM = 96;
const RULER_Y = 24;
const DOUBT_TALL = 12;
export const TAKES_TOP = LANE_TOP + DOUBT_TALL + 3;
export const TAKE_TALL = 5;
const TAKE_STEP = 8;
const MOST_BARS = 4; // more do not fit into the lane
const THINNEST = 2; // px: a gap of a second stays to be seen in a view of a day

export function palette(element: HTMLElement): Palette {
  const style = getComputedStyle(element);
  const of = (name: string): string => style.getPropertyValue(`--${name}`).trim();
  return {
    panel: of("panel"),
    lane: of("lane"),
    future: of("future"),
    line: of("line"),
    edge: of("edge"),
    text: of("text"),
    quiet: of("quiet"),
    accent: of("accent"),
    onAccent: of("on-accent"),
    footage: of("footage"),
    footageEdge: of("footage-edge"),
    activity: of("activity"),
    gap: of("gap"),
    gapGround: of("gap-ground"),
    range: of("range"),
    font: style.fontFamily,
  };
}

export function draw(context: CanvasRenderingContext2D, pixels: number, colours: Palette, picture: Picture): void {
  const pen = new Pen(context, pixels, colours, picture);
  pen.ground();
  pen.spans();
  pen.activity();
  pen.pictures();
  pen.gaps();
  pen.doubts();
  pen.takes();
  pen.range();
  drawBookmarks(context, picture.bookmarks_us, (atUs) => xOf(picture.view, atUs, pixels), pixels, [LANE_TOP, LANE_BOTTOM], colours);
  pen.ruler();
  pen.now();
  pen.hover();
  pen.cursor();
}

class Pen {
  constructor(
    private readonly c: CanvasRenderingContext2D,
    private readonly pixels: number,
    private readonly colours: Palette,
    private readonly p: Picture,
  ) {}

  ground(): void {
    const { c, colours } = this;
    c.clearRect(0, 0, this.pixels, HEIGHT);
    c.fillStyle = colours.lane;
    c.fillRect(0, LANE_TOP, this.pixels, LANE_BOTTOM - LANE_TOP);
    const now = this.x(this.p.now_us);
    if (now < this.pixels) {
      c.fillStyle = colours.future;
      c.fillRect(Math.max(0, now), LANE_TOP, this.pixels, LANE_BOTTOM - LANE_TOP);
    }
  }

  spans(): void {
    const { c, colours } = this;
    for (const [start, end] of this.p.facts.spans) {
      const [left, right] = this.edges(start, end, 1);
      if (right <= left) continue;
      c.fillStyle = colours.footage;
      c.fillRect(left, LANE_TOP, right - left, LANE_BOTTOM - LANE_TOP);
      c.fillStyle = colours.footageEdge;
      c.fillRect(left, LANE_TOP, right - left, 3);
    }
  }

  /** How much moved: bars on the floor of the lane. */
  activity(): void {
    const { c, colours } = this;
    const strip = this.p.activity;
    if (!strip || strip.levels.length === 0) return;
    const step = (strip.to_us - strip.from_us) / strip.levels.length;
    const first = Math.max(0, Math.floor((this.p.view.from_us - strip.from_us) / step));
    const end = Math.min(strip.levels.length, Math.ceil((this.p.view.to_us - strip.from_us) / step));
    const wide = Math.max(1, (step / width(this.p.view)) * this.pixels);
    c.fillStyle = colours.activity;
    for (let place = first; place < end; place++) {
      const level = strip.levels[place]!;
      if (level < 12) continue;
      const high = (level / 255) * (LANE_BOTTOM - LANE_TOP) * 0.62;
      c.fillRect(this.x(strip.from_us + place * step), LANE_BOTTOM - high, wide, high);
    }
  }

  /** Where one picture gives way to the next. */
  pictures(): void {
    const { c, colours } = this;
    c.fillStyle = colours.text;
    for (const at of this.p.pictures_us) c.fillRect(Math.round(this.x(at)), LANE_TOP + 3, 1, 9);
  }

  /** Hatched, so that they are told from footage without colour; words where there is room. */
  gaps(): void {
    const { c, colours } = this;
    for (const gap of this.p.facts.gaps) {
      const [left, right] = this.edges(gap.start_us, gap.open ? this.p.now_us : gap.end_us, THINNEST);
      if (right <= left) continue;
      c.save();
      c.beginPath();
      c.rect(left, LANE_TOP, right - left, LANE_BOTTOM - LANE_TOP);
      c.clip();
      c.fillStyle = colours.gapGround;
      c.fill();
      this.hatch(left, right);
      c.fillStyle = colours.gap;
      c.fillRect(left, LANE_TOP, right - left, 3);
      c.fillRect(left, LANE_BOTTOM - 3, right - left, 3);
      this.gapLabel(this.p.gapWords(gap.reason), left, right);
      c.restore();
    }
  }

  /** Times that are not to be taken as they stand, and disks that are away: a hatched band along the top of what was recorded. */
  doubts(): void {
    const { c } = this;
    for (const { kind, from_us, to_us } of this.p.facts.doubts) {
      if (kind === "twice") continue;
      const [left, right] = this.edges(from_us, to_us, THINNEST);
      if (right <= left) continue;
      c.save();
      c.beginPath();
      c.rect(left, LANE_TOP, right - left, DOUBT_TALL);
      c.clip();
      c.fillStyle = this.colours.gapGround;
      c.fill();
      this.hatch(left, right);
      c.restore();
    }
  }

  /** Time that was recorded more than once: a bar for each take, the first one above; the shown one is filled. */
  takes(): void {
    const { c, colours } = this;
    for (const { kind, from_us, to_us, takes = 2 } of this.p.facts.doubts) {
      const [left, right] = kind === "twice" ? this.edges(from_us, to_us, THINNEST) : [0, 0];
      if (right <= left) continue;
      const bars = Math.min(takes, MOST_BARS);
      const shown = Math.min(this.p.take ?? takes, bars);
      c.fillStyle = colours.panel;
      c.fillRect(left, TAKES_TOP - 2, right - left, bars * TAKE_STEP + 1);
      for (let bar = 1; bar <= bars; bar++) {
        c.fillStyle = bar === shown ? colours.range : colours.edge;
        c.fillRect(left, TAKES_TOP + (bar - 1) * TAKE_STEP + (bar === shown ? 0 : 2), right - left, bar === shown ? TAKE_TALL : 1.5);
      }
    }
  }

  range(): void {
    const { c, colours } = this;
    const { from_us, to_us } = this.p.range;
    for (const [at, side] of [
      [from_us, 1],
      [to_us, -1],
    ] as const) {
      if (at === null) continue;
      const x = this.x(at);
      c.fillStyle = colours.range;
      c.fillRect(x - 1.5, LANE_TOP - 6, 3, LANE_BOTTOM - LANE_TOP + 12);
      c.fillRect(side === 1 ? x : x - 10, LANE_TOP - 6, 10, 3);
      c.fillRect(side === 1 ? x : x - 10, LANE_BOTTOM + 3, 10, 3);
    }
    if (from_us === null || to_us === null) return;
    c.save();
    c.globalAlpha = 0.3;
    c.fillStyle = colours.range;
    c.fillRect(this.x(from_us), LANE_TOP - 6, this.x(to_us) - this.x(from_us), LANE_BOTTOM - LANE_TOP + 12);
    c.restore();
  }

  ruler(): void {
    const { c, colours } = this;
    c.textBaseline = "alphabetic";
    c.textAlign = "center";
    const [left, right] = this.covered();
    for (const tick of ticks(this.p.view, this.pixels, this.p.zone)) {
      const x = Math.round(this.x(tick.at_us)) + 0.5;
      c.strokeStyle = tick.major ? colours.edge : colours.line;
      c.lineWidth = 1;
      c.beginPath();
      c.moveTo(x, tick.major ? LANE_TOP - 12 : LANE_TOP - 6);
      c.lineTo(x, LANE_TOP);
      if (tick.midnight) c.lineTo(x, LANE_BOTTOM);
      c.stroke();
      if (!tick.label) continue;
      c.font = `${tick.midnight ? 700 : 500} 15px ${colours.font}`;
      c.fillStyle = tick.midnight ? colours.text : colours.quiet;
      const half = c.measureText(tick.label).width / 2;
      const free = x + half < left - 2 || x - half > right + 2; // half a word is none
      if (free && x - half > 2 && x + half < this.pixels - 2) c.fillText(tick.label, x, RULER_Y);
    }
  }

  now(): void {
    const { c, colours } = this;
    const x = this.x(this.p.now_us);
    if (x < 0 || x > this.pixels) return;
    c.strokeStyle = colours.text;
    c.lineWidth = 2;
    c.setLineDash([3, 3]);
    c.beginPath();
    c.moveTo(x, LANE_TOP - 4);
    c.lineTo(x, LANE_BOTTOM + 4);
    c.stroke();
    c.setLineDash([]);
    c.font = `550 13px ${colours.font}`;
    c.fillStyle = colours.quiet;
    c.textAlign = x > this.pixels - 60 ? "right" : "center";
    c.fillText(this.p.words.now, c.textAlign === "right" ? this.pixels - 4 : x, LANE_BOTTOM + 16);
  }

  hover(): void {
    if (this.p.hover_us === null) return;
    const { c, colours } = this;
    const x = this.x(this.p.hover_us);
    c.fillStyle = colours.text;
    c.globalAlpha = 0.55;
    c.fillRect(x - 0.5, LANE_TOP - 10, 1, LANE_BOTTOM - LANE_TOP + 14);
    c.globalAlpha = 1;
  }

  /** The shown picture: a line with a handle, and its time on a flag over the ruler. */
  cursor(): void {
    const { c, colours } = this;
    if (this.p.cursor_us === null) return;
    const x = this.x(this.p.cursor_us);
    if (x < -1 || x > this.pixels + 1) return;
    c.fillStyle = colours.panel;
    c.fillRect(x - 3, LANE_TOP - 8, 6, LANE_BOTTOM - LANE_TOP + 12);
    c.fillStyle = colours.accent;
    c.fillRect(x - 1.5, LANE_TOP - 10, 3, LANE_BOTTOM - LANE_TOP + 14); // not into the word below
    const { label, middle, half } = this.flag(x, this.p.cursor_us);
    c.beginPath();
    c.roundRect(middle - half, 4, 2 * half, 27, 7);
    c.fill();
    c.beginPath();
    c.moveTo(x - 6, 31);
    c.lineTo(x + 6, 31);
    c.lineTo(x, 38);
    c.fill();
    c.fillStyle = colours.onAccent;
    c.textAlign = "center";
    c.fillText(label, middle, 23);
  }

  /** The words above the cursor, and where they stand. */
  private flag(x: number, atUs: number): { label: string; middle: number; half: number } {
    this.c.font = `650 15px ${this.colours.font}`;
    const label = clockText(this.p.zone.local(atUs));
    const half = this.c.measureText(label).width / 2 + 10;
    return { label, half, middle: clamp(x, half, this.pixels - half) };
  }

  /** What the cursor's flag covers of the ruler. */
  private covered(): [left: number, right: number] {
    const at = this.p.cursor_us;
    const x = at === null ? -Infinity : this.x(at);
    if (at === null || x < -1 || x > this.pixels + 1) return [0, 0];
    const { middle, half } = this.flag(x, at);
    return [middle - half, middle + half];
  }

  private hatch(left: number, right: number): void {
    const { c, colours } = this;
    c.strokeStyle = colours.gap;
    c.globalAlpha = 0.55;
    c.lineWidth = 1.5;
    c.beginPath();
    const tall = LANE_BOTTOM - LANE_TOP;
    // Lines start at whole multiples, so that they do not swim when the view moves by a pixel.
    for (let x = Math.floor((left - tall) / 9) * 9; x < right; x += 9) {
      c.moveTo(x, LANE_BOTTOM);
      c.lineTo(x + tall, LANE_TOP);
    }
    c.stroke();
    c.globalAlpha = 1;
  }

  private gapLabel(words: string, left: number, right: number): void {
    const { c, colours } = this;
    c.font = `600 14px ${colours.font}`;
    const wide = c.measureText(words).width;
    const from = Math.max(left, 0);
    const to = Math.min(right, this.pixels);
    if (to - from < wide + 24) return;
    const middle = (from + to) / 2;
    c.fillStyle = colours.gapGround;
    c.fillRect(middle - wide / 2 - 8, LANE_TOP + 12, wide + 16, LANE_BOTTOM - LANE_TOP - 24);
    c.fillStyle = colours.text;
    c.textAlign = "center";
    c.fillText(words, middle, (LANE_TOP + LANE_BOTTOM) / 2 + 5);
  }

  private x(atUs: number): number {
    return xOf(this.p.view, atUs, this.pixels);
  }

  /** Where a stretch stands on the canvas, at least `thinnest` pixels wide; empty if it is outside. */
  private edges(startUs: number, endUs: number, thinnest: number): [left: number, right: number] {
    if (endUs < this.p.view.from_us || startUs > this.p.view.to_us || width(this.p.view) <= 0) return [0, 0];
    const left = Math.max(this.x(startUs), -20);
    return [left, Math.max(left + thinnest, Math.min(this.x(endUs), this.pixels + 20))];
  }
}
