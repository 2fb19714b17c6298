/**
 * Shows single pictures of the past on a canvas: the exact one of an instant, the next and the one before, backwards and fast,
 * and what lies under a moving pointer. Pictures come from the browser's own decoder or from the server.
 */

import { ApiError } from "../api/client";
import type { Source } from "../api/types";
import type { FilmEngine, Report, Step } from "../player/engine";
import { SECOND_US } from "../time/units";
import { Decoding, mayDecode, type Picture, Printing, Undecodable } from "./darkroom";
import { Gallery } from "./gallery";
import { ahead, type Direction, type Hole, holeBetween, march } from "./march";
import { Pace } from "./pace";
import { Roll } from "./roll";
import { Scrubber } from "./scrubber";
import { type Missing, type Place, shownUs } from "./table";

const LIMIT_BYTES = 384 << 20; // chosen: three groups of 40 pictures of 1080p
const EVERY_UP_TO = 1; // at this speed and slower no picture is left out
const WHOLE_UP_TO = 4; // faster than this by key frames
const LATE_MS = 600; // so far behind its clock the clock waits for the pictures
const MOST_STEPS_WAITING = 3; // of a key that is held down
const SAME_US = 1_500; // a media element's times may be rounded by so much
const PRESENT_US = 6 * SECOND_US;
const TRY_AGAIN_MS = 2_000;

export interface FilmOptions {
  /** Of decoded pictures in memory. */
  limitBytes?: number;
  /** Whether this page may decode by itself. */
  decodes?: boolean;
  /** Another one's clock, for cameras in step: it waits for nobody. */
  step?: Step;
}

export class Film implements FilmEngine {
  readonly #all: Roll;
  readonly #keys: Roll;
  #gallery: Gallery;
  #scrubber: Scrubber;
  #decodes: boolean;
  #place: Place | null = null; // on the canvas
  #target: Place | null = null; // to be put there as soon as it is ready
  #pace: Step | null = null; // playing
  #hole: Missing | null = null; // in step with others: waiting until it is over
  #turn = 0;
  #steps = 0;
  #lastStep: Promise<void> = Promise.resolve();
  #frame = 0;

  constructor(
    private readonly canvas: HTMLCanvasElement,
    private readonly source: Source,
    private readonly nowUs: () => number,
    private readonly report: Report,
    private readonly options: FilmOptions = {},
  ) {
    this.#all = new Roll(source, "samples");
    this.#keys = new Roll(source, "key-samples");
    this.#decodes = options.decodes ?? mayDecode();
    this.#gallery = this.#newGallery();
    this.#scrubber = this.#newScrubber();
  }

  /** The picture of an instant, exactly. */
  show(atUs: number): void {
    const turn = this.#stand();
    this.report.loading();
    this.#all
      .at(atUs)
      .then((place) => turn === this.#turn && this.#found(place, atUs))
      .catch((error: unknown) => this.#failed(error, turn, () => this.show(atUs)));
  }

  /** The next picture or the one before, none left out however fast one steps. `fromUs`: the picture on the screen. */
  step(direction: Direction, fromUs: number): void {
    if (this.#steps >= MOST_STEPS_WAITING) return;
    const first = this.#pace !== null || this.#steps === 0; // the others go on from where this one leads
    const turn = first ? this.#stand() : this.#turn;
    this.#steps++;
    this.#lastStep = this.#lastStep
      .then(() => this.#step(direction, first ? fromUs : null, turn))
      .catch((error: unknown) => this.#failed(error, turn, () => undefined))
      .finally(() => this.#steps--);
  }

  /** Play from an instant: backwards with a negative speed. */
  run(speed: number, fromUs: number): void {
    const turn = this.#stand();
    const roll = this.#rollFor(speed);
    roll
      .at(fromUs)
      .then((place) => turn === this.#turn && this.#begin(place, roll, speed, fromUs))
      .catch((error: unknown) => this.#failed(error, turn, () => this.run(speed, fromUs)));
  }

  /** The nearest picture that is quickly had, while a hand moves over the timeline. */
  scrub(atUs: number): void {
    if (!this.#scrubber.moving) this.#stand();
    this.#scrubber.to(atUs);
  }

  /** Stand still on the picture that is shown. */
  stop(): void {
    this.#stand();
  }

  dispose(): void {
    this.#stand();
    this.#all.dispose();
    this.#keys.dispose();
    this.#gallery.dispose();
  }

  #newGallery(): Gallery {
    const darkroom = this.#decodes ? new Decoding() : new Printing(this.source);
    return new Gallery(darkroom, this.options.limitBytes ?? LIMIT_BYTES, {
      changed: () => (this.#scrubber.moving ? this.#scrubber.changed() : this.#present()),
      failed: (error) => this.#undeveloped(error),
    });
  }

  #newScrubber(): Scrubber {
    return new Scrubber(this.#keys, this.#all, this.#gallery, {
      show: (place, picture) => this.#draw(place, picture),
      hole: (atUs) => this.#missing(this.#keys, atUs),
      failed: (error) => this.#failed(error, this.#turn, () => undefined),
    });
  }

  #rollFor(speed: number): Roll {
    return this.#decodes && Math.abs(speed) <= WHOLE_UP_TO ? this.#all : this.#keys;
  }

  #begin(place: Place | null, roll: Roll, speed: number, fromUs: number): void {
    const shared = this.options.step;
    if (!place) this.#missing(roll, fromUs);
    if (!place && !shared) return;
    if (place) this.#aim(place, ahead(roll, this.#gallery, place, speed > 0 ? 1 : -1));
    this.#pace = shared ?? new Pace(fromUs, performance.now(), speed);
    this.#frame = requestAnimationFrame((now) => this.#tick(now));
  }

  #stand(): number {
    cancelAnimationFrame(this.#frame);
    this.#pace = this.#target = this.#hole = null;
    this.#scrubber.stop();
    return ++this.#turn;
  }

  #found(place: Place | null, atUs: number): void {
    if (place) this.#aim(place, []);
    else this.#missing(this.#all, atUs);
  }

  #missing(roll: Roll, atUs: number): void {
    this.#place = this.#target = null;
    this.#hole = roll.hole(atUs);
    this.report.hole(this.#hole);
  }

  /** Put a picture on the canvas as soon as it is there, and have its neighbours ready. */
  #aim(place: Place, more: readonly Place[]): void {
    this.#target = place;
    const around = ([1, -1] as const).map((direction) => this.#gallery.beyond(place, direction)).filter((one) => one !== null);
    this.#gallery.want([place, ...(more.length ? more : around)]);
    this.#present();
  }

  #present(): void {
    const target = this.#target;
    if (!target) return;
    const picture = this.#gallery.ready(target);
    if (picture) this.#draw(target, picture);
    else if (this.#gallery.settled(target)) this.#place = target; // damaged: said already, and one can go on
    else return;
    this.#target = null;
  }

  #draw(place: Place, picture: Picture): void {
    const [width, height] = picture instanceof ImageBitmap ? [picture.width, picture.height] : [picture.displayWidth, picture.displayHeight];
    if (this.canvas.width !== width) this.canvas.width = width;
    if (this.canvas.height !== height) this.canvas.height = height;
    this.canvas.getContext("2d", { alpha: false })?.drawImage(picture, 0, 0);
    this.#place = place;
    this.report.trouble(null);
    this.report.picture(shownUs(place));
  }

  async #step(direction: Direction, fromUs: number | null, turn: number): Promise<void> {
    const here = fromUs === null ? this.#place : await this.#standing(fromUs);
    const next = here && (await this.#all.beside(here, direction));
    if (!next || turn !== this.#turn) return;
    const [earlier, later] = direction === 1 ? [here, next] : [next, here];
    if (holeBetween(earlier, later)) this.#leap(earlier.group.chunk.end_us, later.group.chunk.start_us);
    this.#aim(next, []);
    await this.#shown(turn);
  }

  /** The place of the picture on the screen, which may be another one's than ours, or one of the key frames. */
  async #standing(atUs: number): Promise<Place | null> {
    const place = this.#place;
    if (place && place.group.rows.length > 1 && Math.abs(shownUs(place) - atUs) < SAME_US) return place;
    return this.#all.at(atUs);
  }

  /** Until the aimed at picture is on the canvas, and was painted from there to the screen: two frames later. */
  async #shown(turn: number): Promise<void> {
    while (this.#target && turn === this.#turn) await new Promise(requestAnimationFrame);
    await new Promise(requestAnimationFrame);
    await new Promise(requestAnimationFrame);
  }

  #leap(fromUs: number, toUs: number): void {
    const { gap } = this.#all.hole((fromUs + toUs) / 2);
    this.report.skipped({ from_us: fromUs, to_us: toUs, gap });
  }

  #tick(nowMs: number): void {
    const pace = this.#pace;
    if (!pace) return;
    this.#frame = requestAnimationFrame((now) => this.#tick(now));
    const here = this.#place;
    if (this.#hole) this.#rejoin(pace, this.#hole, nowMs);
    else if (this.#target || !here) pace.wait(this.#target ? shownUs(this.#target) : pace.dueUs(nowMs), nowMs);
    else this.#advance(pace, here, nowMs);
  }

  #advance(pace: Step, here: Place, nowMs: number): void {
    const direction: Direction = pace.speed > 0 ? 1 : -1;
    const roll = this.#rollFor(pace.speed);
    const due = pace.dueUs(nowMs);
    const every = !this.options.step && Math.abs(pace.speed) <= EVERY_UP_TO;
    const progress = march(roll, this.#gallery, here, direction, due, every);
    const picture = progress.show && this.#gallery.ready(progress.show);
    if (progress.show && picture) this.#draw(progress.show, picture);
    const now = this.#place ?? here;
    // Key frames that were missed are not waited for: those that are due next are made ready.
    this.#gallery.want(ahead(roll, this.#gallery, roll === this.#keys ? progress.reached : now, direction));
    roll.prepare(progress.reached, direction);
    pace.behind(progress.late_us === null ? 0 : Math.abs(due - progress.late_us));
    if (progress.hole) this.#cross(pace, progress.hole, nowMs);
    else if (progress.end) this.#atTheEnd(direction, now);
    else if (progress.late_us !== null) pace.wait(progress.late_us, nowMs);
    else if (Math.abs(due - shownUs(now)) > LATE_MS * 1000 * Math.abs(pace.speed) + 10 * SECOND_US) pace.wait(shownUs(now), nowMs);
  }

  /** Alone one leaps over missing footage; in step with others one waits until they have come to its end. */
  #cross(pace: Step, hole: Hole, nowMs: number): void {
    if (pace.wait(shownUs(hole.next), nowMs)) {
      this.#leap(hole.from_us, hole.to_us);
      this.#aim(hole.next, ahead(this.#rollFor(pace.speed), this.#gallery, hole.next, pace.speed > 0 ? 1 : -1));
    } else this.#missing(this.#rollFor(pace.speed), (hole.from_us + hole.to_us) / 2);
  }

  #rejoin(pace: Step, hole: Missing, nowMs: number): void {
    const due = pace.dueUs(nowMs);
    const edge = pace.speed > 0 ? hole.to_us : hole.from_us && hole.from_us - 1;
    pace.behind(0);
    if (edge === null || (pace.speed > 0 ? due < edge : due > edge)) return;
    this.#hole = null;
    this.run(pace.speed, due);
  }

  #atTheEnd(direction: Direction, last: Place): void {
    if (direction === 1 && this.nowUs() - shownUs(last) < PRESENT_US) {
      this.#stand();
      this.report.reachedNow();
    } else if (direction === -1 || this.nowUs() - shownUs(last) > PRESENT_US) {
      const atUs = direction === 1 ? last.group.chunk.end_us + SECOND_US : shownUs(last) - 1;
      this.#stand();
      this.#missing(this.#all, atUs);
    }
  }

  #undeveloped(error: unknown): void {
    if (error instanceof Undecodable && this.#decodes && !this.#place) {
      this.#serverDecodes();
    } else if (error instanceof Undecodable) {
      this.report.trouble({ kind: "damaged" });
    } else this.#tell(error);
  }

  /** This browser decodes nothing of this camera: the server does it. */
  #serverDecodes(): void {
    const target = this.#target;
    this.#gallery.dispose();
    this.#decodes = false;
    this.#gallery = this.#newGallery();
    this.#scrubber = this.#newScrubber();
    if (target) this.#aim(target, []);
  }

  #failed(error: unknown, turn: number, again: () => void): void {
    if (turn !== this.#turn) return;
    this.#tell(error);
    setTimeout(() => turn === this.#turn && again(), TRY_AGAIN_MS);
  }

  #tell(error: unknown): void {
    if (!(error instanceof ApiError)) return;
    if (error.unreachable) this.report.trouble({ kind: "unreachable" });
    else this.report.trouble({ kind: "server", message: error.message, hint: error.hint });
  }
}
