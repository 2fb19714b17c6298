/** What part of time the timeline shows, and how it moves. Pure: values in, values out. */

import { clamp, DAY_US, SECOND_US } from "../time/units";

/** The stretch of wall time between the left and the right edge. */
export interface Viewport {
  readonly from_us: number;
  readonly to_us: number;
}

export const SHORTEST_US = SECOND_US / 2; // chosen: a picture of 25 a second is as wide as a finger
export const LONGEST_US = 31 * DAY_US; // chosen: a month at a glance

export function width(view: Viewport): number {
  return view.to_us - view.from_us;
}

export function xOf(view: Viewport, atUs: number, pixels: number): number {
  return ((atUs - view.from_us) / width(view)) * pixels;
}

export function timeAt(view: Viewport, x: number, pixels: number): number {
  return Math.round(view.from_us + (x / pixels) * width(view));
}

/** Scale around an instant that keeps its place on the screen. `factor` < 1 looks closer. */
export function zoom(view: Viewport, factor: number, aroundUs: number): Viewport {
  const wanted = clamp(width(view) * factor, SHORTEST_US, LONGEST_US);
  const scale = wanted / width(view);
  const from_us = Math.round(aroundUs - (aroundUs - view.from_us) * scale);
  return { from_us, to_us: from_us + Math.round(wanted) };
}

export function pan(view: Viewport, byUs: number): Viewport {
  const shift = Math.round(byUs);
  return { from_us: view.from_us + shift, to_us: view.to_us + shift };
}

/** Keep the view where there can be something to see: never wholly in the future, never long before the first footage. */
export function confine(view: Viewport, firstUs: number | null, nowUs: number): Viewport {
  const span = width(view);
  const latest = nowUs + 0.25 * span;
  if (view.to_us > latest) return pan(view, latest - view.to_us);
  const earliest = (firstUs ?? nowUs) - 0.5 * span;
  if (view.from_us < earliest && span < nowUs - earliest) return pan(view, earliest - view.from_us);
  return view;
}

/** The same width, with the instant at `place` (0 left … 1 right). */
export function centre(view: Viewport, atUs: number, place = 0.5): Viewport {
  const span = width(view);
  const from_us = Math.round(atUs - span * place);
  return { from_us, to_us: from_us + span };
}

/** Turn the page when the cursor leaves it, as one does with sheet music; otherwise the view stays where it is. */
export function follow(view: Viewport, cursorUs: number): Viewport {
  const place = (cursorUs - view.from_us) / width(view);
  if (place >= 0 && place <= 0.96) return view;
  return centre(view, cursorUs, place < 0 ? 0.8 : 0.2);
}

/** The first view of a channel: all its footage if that is young, else the last hours. */
export function opening(firstUs: number | null, nowUs: number): Viewport {
  const age = firstUs === null ? 0 : nowUs - firstUs;
  const span = Math.round(clamp(age * 1.15, 600 * SECOND_US, 8 * 3600 * SECOND_US));
  return centre({ from_us: 0, to_us: span }, nowUs, 0.94);
}
