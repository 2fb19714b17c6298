/** Mouse, pen and fingers on the timeline: click, drag, drag the cursor, wheel, pinch. */

export interface Hands {
  /** Pixels from the left edge. */
  click(x: number): void;
  drag(byPixels: number): void;
  zoom(factor: number, x: number): void;
  hover(x: number | null): void;
  /** Whether a press here takes hold of the cursor. */
  grips(x: number): boolean;
  scrub(x: number, done: boolean): void;
  /** A hand is on the timeline: it must not move by itself. */
  busy(on: boolean): void;
}

const SLACK = 5; // px that a click may wander

export function listen(element: HTMLElement, hands: Hands): () => void {
  const fingers = new Map<number, number>();
  let start = 0;
  let last = 0;
  let doing: "press" | "drag" | "scrub" | "pinch" | null = null;
  let apart = 0;

  const at = (event: MouseEvent): number => event.clientX - element.getBoundingClientRect().left;

  function down(event: PointerEvent): void {
    if (event.button !== 0) return;
    element.setPointerCapture(event.pointerId);
    fingers.set(event.pointerId, at(event));
    hands.busy(true);
    if (fingers.size === 2) {
      doing = "pinch";
      apart = spread();
      return;
    }
    start = last = at(event);
    doing = hands.grips(start) ? "scrub" : "press";
  }

  function move(event: PointerEvent): void {
    const x = at(event);
    if (event.pointerType !== "touch") hands.hover(x);
    if (!fingers.has(event.pointerId)) return;
    fingers.set(event.pointerId, x);
    if (doing === "pinch") {
      const now = spread();
      if (now > 10 && apart > 10) hands.zoom(apart / now, middle());
      apart = now;
      return;
    }
    if (doing === "press" && Math.abs(x - start) > SLACK) doing = "drag";
    if (doing === "drag") hands.drag(x - last);
    if (doing === "scrub") hands.scrub(x, false);
    last = x;
  }

  function up(event: PointerEvent): void {
    if (!fingers.delete(event.pointerId)) return;
    const cancelled = event.type === "pointercancel";
    if (doing === "press" && !cancelled) hands.click(at(event));
    if (doing === "scrub") hands.scrub(at(event), true);
    if (fingers.size === 1 && doing === "pinch") {
      doing = "drag";
      last = [...fingers.values()][0]!;
      return;
    }
    doing = null;
    if (fingers.size === 0) hands.busy(false);
  }

  function wheel(event: WheelEvent): void {
    event.preventDefault();
    const unit = event.deltaMode === WheelEvent.DOM_DELTA_LINE ? 20 : 1;
    if (event.shiftKey || Math.abs(event.deltaX) > Math.abs(event.deltaY)) {
      hands.drag(-(event.deltaX || event.deltaY) * unit);
      return;
    }
    const strength = event.ctrlKey ? 0.01 : 0.0022; // a pinch on a touch pad comes as ctrl + wheel, in small steps
    hands.zoom(Math.exp(event.deltaY * unit * strength), at(event));
  }

  function leave(): void {
    hands.hover(null);
  }

  function spread(): number {
    const [a = 0, b = 0] = [...fingers.values()];
    return Math.abs(a - b);
  }

  function middle(): number {
    const [a = 0, b = 0] = [...fingers.values()];
    return (a + b) / 2;
  }

  element.addEventListener("pointerdown", down);
  element.addEventListener("pointermove", move);
  element.addEventListener("pointerup", up);
  element.addEventListener("pointercancel", up);
  element.addEventListener("pointerleave", leave);
  element.addEventListener("wheel", wheel, { passive: false });
  return () => {
    element.removeEventListener("pointerdown", down);
    element.removeEventListener("pointermove", move);
    element.removeEventListener("pointerup", up);
    element.removeEventListener("pointercancel", up);
    element.removeEventListener("pointerleave", leave);
    element.removeEventListener("wheel", wheel);
  };
}
