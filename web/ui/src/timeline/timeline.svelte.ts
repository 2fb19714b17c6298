/** The timeline's state and its moves, so that keys, buttons and hands all do the same. */

import { untrack } from "svelte";

import type { Gap, Source } from "../api/types";
import { clock } from "../time/clock.svelte";
import { SECOND_US } from "../time/units";
import { covers, gapsWithin } from "./coverage";
import { Footage } from "./footage.svelte";
import { Moved } from "./strip.svelte";
import { centre, confine, follow, opening, pan, type Viewport, width, xOf, zoom } from "./viewport";

class Timeline {
  view = $state.raw<Viewport>(opening(null, clock.nowUs()));
  footage = $state.raw<Footage | null>(null);
  moved = $state.raw<Moved | null>(null);
  /** Its width on the screen. */
  pixels = 1000;
  /** A hand is on it. */
  busy = $state(false);
  #holdUntil = 0;

  /** Show another track. The view stays: one compares cameras at the same hour. Only the first one chooses it. */
  show(source: Source, firstUs: number | null): void {
    const { channel, track, take } = source;
    const [old, moved] = untrack(() => [this.footage, this.moved]);
    const same = old?.channel === channel && old.track === track;
    if (same && moved?.source.take === take) return;
    moved?.dispose();
    this.moved = new Moved(source);
    if (same) return;
    old?.dispose();
    if (!old) this.view = opening(firstUs, clock.nowUs());
    this.footage = new Footage(channel, track);
  }

  /** Called several times a second with the place of the picture. */
  tick(cursorUs: number | null, live: boolean): void {
    if (cursorUs !== null && !this.busy && performance.now() > this.#holdUntil) {
      const before = this.view;
      const next = live ? this.#trail(before) : follow(before, cursorUs);
      if (next !== before) this.view = next;
    }
    this.footage?.want(this.view);
    this.moved?.want(this.view, this.pixels);
  }

  zoomBy(factor: number, aroundUs?: number): void {
    this.#moved();
    this.#set(zoom(this.view, factor, aroundUs ?? this.#anchor()));
  }

  /** A width, around what one is looking at. */
  zoomTo(spanUs: number, aroundUs: number): void {
    this.#set(zoom(this.view, spanUs / width(this.view), aroundUs));
  }

  panBy(us: number): void {
    this.#moved();
    this.#set(pan(this.view, us));
  }

  reveal(atUs: number): void {
    if (atUs < this.view.from_us || atUs > this.view.to_us) this.#set(centre(this.view, atUs));
  }

  /** Go to the present unless it is in view. */
  showNow(): void {
    const now = clock.nowUs();
    if (now < this.view.from_us || now > this.view.to_us) this.toNow();
  }

  toNow(): void {
    this.#holdUntil = 0;
    this.#set(centre(this.view, clock.nowUs(), 0.94));
  }

  /** Gaps in view, those too short to matter at this width left out. */
  get gapsInView(): Gap[] {
    return this.footage ? gapsWithin(this.footage.facts, this.view.from_us, this.view.to_us) : [];
  }

  /** The server has told all that is in view: only then is "nothing is missing" true. */
  get known(): boolean {
    const { footage, view } = this;
    return footage !== null && footage.heard.problem === null && covers(footage.facts, view, clock.second_us);
  }

  /** Nothing at all was recorded in the view: then "nothing is missing" would be no comfort. */
  get empty(): boolean {
    const { from_us, to_us } = this.view;
    return !(this.footage?.facts.spans ?? []).some(([start, end]) => start < to_us && end > from_us);
  }

  gapBefore(atUs: number): Gap | null {
    const gaps = this.footage?.facts.gaps ?? [];
    return [...gaps].reverse().find((gap) => gap.end_us < atUs) ?? null;
  }

  gapAfter(atUs: number): Gap | null {
    return (this.footage?.facts.gaps ?? []).find((gap) => gap.start_us > atUs + SECOND_US) ?? null;
  }

  /** Where much moves next (1) or moved before (−1). */
  activityBeside(atUs: number, direction: 1 | -1): number | null {
    return this.moved?.beside(this.view, atUs, direction) ?? null;
  }

  /** Live: the present stays where it is on the screen, and the past moves left, a pixel at a time. */
  #trail(view: Viewport): Viewport {
    const now = clock.nowUs();
    const place = xOf(view, now, 1);
    if (place > 0 && place <= 0.95) return view;
    return place > 0.95 && place < 1.05 ? centre(view, now, 0.94) : view;
  }

  #anchor(): number {
    return untrack(() => (this.view.from_us + this.view.to_us) / 2);
  }

  /** A person looks around: the view follows nothing for a while. */
  #moved(): void {
    this.#holdUntil = performance.now() + 8_000;
  }

  #set(view: Viewport): void {
    this.view = confine(view, this.footage?.facts.first_us ?? null, clock.nowUs());
  }
}

export const timeline = new Timeline();
