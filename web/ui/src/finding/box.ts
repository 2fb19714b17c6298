/** The box that a person draws on a picture, in thousandths of the picture's width and height. Pure. */

import { clamp } from "../time/units";

export interface Box {
  left: number;
  top: number;
  width: number;
  height: number;
}

export interface Point {
  x: number;
  y: number;
}

export const WHOLE = 1000;
export const SMALLEST = 20; // chosen: the server takes half of it, and a finger cannot draw less
export const FIRST: Box = { left: 375, top: 350, width: 250, height: 300 }; // for who has no pointer: something to move

/** Spanned by two points, wherever they lie. */
export function spanned(a: Point, b: Point): Box {
  const left = clamp(Math.min(a.x, b.x), 0, WHOLE);
  const top = clamp(Math.min(a.y, b.y), 0, WHOLE);
  return whole({ left, top, width: clamp(Math.max(a.x, b.x), 0, WHOLE) - left, height: clamp(Math.max(a.y, b.y), 0, WHOLE) - top });
}

export function moved(box: Box, x: number, y: number): Box {
  return whole({ ...box, left: box.left + x, top: box.top + y });
}

/** Its right and lower edge by so much. */
export function grown(box: Box, x: number, y: number): Box {
  const width = clamp(box.width + x, SMALLEST, WHOLE - box.left);
  return whole({ ...box, width, height: clamp(box.height + y, SMALLEST, WHOLE - box.top) });
}

export function corner(box: Box, right: boolean, bottom: boolean): Point {
  return { x: box.left + (right ? box.width : 0), y: box.top + (bottom ? box.height : 0) };
}

export function holds(box: Box, { x, y }: Point): boolean {
  return x >= box.left && x <= box.left + box.width && y >= box.top && y <= box.top + box.height;
}

/** In whole thousandths, large enough, inside the picture. */
function whole(box: Box): Box {
  const width = clamp(Math.round(box.width), SMALLEST, WHOLE);
  const height = clamp(Math.round(box.height), SMALLEST, WHOLE);
  return { left: clamp(Math.round(box.left), 0, WHOLE - width), top: clamp(Math.round(box.top), 0, WHOLE - height), width, height };
}

/** Where a picture stands in an area that it fills as far as its shape allows: pixels. */
export function contained(area: { width: number; height: number }, picture: { width: number; height: number }): Box {
  const scale = Math.min(area.width / picture.width, area.height / picture.height);
  const [width, height] = [picture.width * scale, picture.height * scale];
  return { left: (area.width - width) / 2, top: (area.height - height) / 2, width, height };
}
