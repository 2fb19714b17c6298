import { describe, expect, test } from "vitest";

import { type Box, contained, corner, grown, holds, moved, SMALLEST, spanned } from "../src/finding/box";

const box: Box = { left: 100, top: 200, width: 300, height: 400 };

describe("a drawn box", () => {
  test("is the same whichever corner the hand begins at", () => {
    const [a, b] = [{ x: 100.4, y: 200 }, { x: 400, y: 599.6 }];
    expect(spanned(a, b)).toEqual(box);
    expect(spanned(b, a)).toEqual(box);
    expect(spanned({ x: a.x, y: b.y }, { x: b.x, y: a.y })).toEqual(box);
  });

  test("ends with the picture", () => {
    expect(spanned({ x: 900, y: -50 }, { x: 1200, y: 100 })).toEqual({ left: 900, top: 0, width: 100, height: 100 });
  });

  test("is never too small to be seen, in the last corner neither", () => {
    expect(spanned({ x: 999, y: 999 }, { x: 1001, y: 1000 })).toEqual({ left: 980, top: 980, width: SMALLEST, height: SMALLEST });
  });
});

describe("with keys it", () => {
  test.each([
    [moved(box, 10, -10), { ...box, left: 110, top: 190 }],
    [moved(box, -200, 0), { ...box, left: 0 }],
    [moved(box, 900, 900), { ...box, left: 700, top: 600 }],
    [grown(box, 10, -10), { ...box, width: 310, height: 390 }],
    [grown(box, 900, 900), { ...box, width: 900, height: 800 }],
    [grown(box, -900, -900), { ...box, width: SMALLEST, height: SMALLEST }],
  ])("moves and grows within the picture (%#)", (changed, expected) => {
    expect(changed).toEqual(expected);
  });
});

test("corners and inside", () => {
  expect(corner(box, true, false)).toEqual({ x: 400, y: 200 });
  expect(holds(box, { x: 400, y: 600 })).toBe(true);
  expect(holds(box, { x: 401, y: 600 })).toBe(false);
});

test("a picture fills its area as far as its shape allows, in the middle", () => {
  expect(contained({ width: 200, height: 100 }, { width: 1, height: 1 })).toEqual({ left: 50, top: 0, width: 100, height: 100 });
  expect(contained({ width: 100, height: 300 }, { width: 2, height: 1 })).toEqual({ left: 0, top: 125, width: 100, height: 50 });
});
