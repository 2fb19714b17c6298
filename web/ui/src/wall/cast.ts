/** A wall as the viewer drives it: everything goes to all cameras, on one clock. */

import type { KindWord } from "../api/types";
import type { Cast, FilmEngine, PastEngine, Report, Subject } from "../player/engine";
import type { Shot } from "../player/snapshot";
import type { Zoom } from "../player/zoom.svelte";
import { SECOND_US } from "../time/units";
import type { Beat } from "./beat";
import type { Tile } from "./tile.svelte";

const WAIT_MS = 900; // chosen: who is not ready by then joins later, and says so
const START_MS = 80; // from the word to the first picture that moves
const TELL_MS = 50;
/** Chosen: a fragment of half a second is written and sent within as much again; all cameras are shown so long behind now. */
const LIVE_BEHIND_US = 1_500_000;
const LIVE_SPARE_US = 100_000;
const LIVE_MOST_BEHIND_US = 5 * SECOND_US; // a camera that needs more is behind the others, and says so

export class WallCast implements Cast {
  constructor(
    private readonly tiles: readonly Tile[],
    private readonly beat: Beat,
    /** The camera whose pictures are stepped through. */
    private readonly first: () => Tile | undefined,
    /** The track that is asked for. */
    private readonly wanted: () => KindWord,
  ) {}

  live(subject: Subject, report: Report): { dispose(): void } {
    let behind_us = LIVE_BEHIND_US;
    const target = (): number => subject.nowUs() - behind_us;
    const short = (us: number): void => void (behind_us = Math.min(LIVE_MOST_BEHIND_US, behind_us + us + LIVE_SPARE_US));
    const together = this.tiles.length > 1 ? { targetUs: target, short } : null;
    for (const tile of this.tiles) {
      tile.choose(this.wanted());
      tile.onother = () => tile.goLive(together);
      tile.goLive(together);
    }
    const timer = setInterval(() => {
      for (const tile of this.tiles) tile.measure(target());
      if (this.tiles.some((tile) => tile.phase === "showing")) report.picture(target());
    }, TELL_MS);
    return { dispose: () => (clearInterval(timer), this.#stop()) };
  }

  past({ take }: Subject, report: Report): PastEngine {
    for (const tile of this.tiles) {
      tile.choose(this.wanted());
      tile.onnow = () => report.reachedNow();
      tile.onother = () => tile.rejoin(this.tiles.length);
      tile.goPast(this.tiles.length, take);
    }
    return new WallPast(this.tiles, this.beat, report, () => this.#stop());
  }

  film(_subject: Subject, report: Report): FilmEngine {
    return new WallFilm(this.tiles, this.beat, report, this.first);
  }

  hold(): boolean {
    return false; // each tile keeps its own
  }

  shot(): Shot | null {
    return this.first()?.shot() ?? null;
  }

  get zoom(): Zoom | null {
    return this.first()?.zoom ?? null;
  }

  #stop(): void {
    for (const tile of this.tiles) tile.stop();
  }
}

/** Waits until all tiles have settled, then starts the clock; tells where it is. */
class Start {
  #timer: ReturnType<typeof setTimeout> | undefined;
  readonly #teller: ReturnType<typeof setInterval>;
  #go: (() => void) | null = null;

  constructor(
    readonly tiles: readonly Tile[],
    readonly beat: Beat,
    readonly report: Report,
  ) {
    this.#teller = setInterval(() => this.tell(), TELL_MS);
  }

  /** Call it when the tiles have been asked. */
  when(go: () => void): void {
    this.#go = go;
    for (const tile of this.tiles) tile.onsettled = () => this.#check();
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => this.#now(), WAIT_MS);
    this.#check();
  }

  forget(): void {
    clearTimeout(this.#timer);
    this.#go = null;
  }

  tell(): void {
    const holes = this.tiles.filter((tile) => tile.phase === "hole");
    const hole = holes[0]?.hole;
    if (hole && holes.length === this.tiles.length && !this.beat.runs) this.report.hole(hole);
    else if (this.tiles.some((tile) => tile.settled)) this.report.picture(Math.round(this.beat.at(performance.now())));
  }

  dispose(): void {
    this.forget();
    clearInterval(this.#teller);
  }

  #check(): void {
    if (this.#go && this.tiles.every((tile) => tile.settled)) this.#now();
  }

  #now(): void {
    const go = this.#go;
    this.forget();
    go?.();
  }
}

class WallPast implements PastEngine {
  readonly #start: Start;
  #leads = false;
  #playing = false;

  constructor(
    private readonly tiles: readonly Tile[],
    private readonly beat: Beat,
    report: Report,
    private readonly stop: () => void,
  ) {
    this.#start = new Start(tiles, beat, report);
  }

  seek(atUs: number): void {
    this.#leads = true;
    this.beat.stand(atUs);
    for (const tile of this.tiles) {
      tile.pause();
      tile.seek(atUs);
    }
    this.#start.forget();
    if (this.#playing) this.#go();
  }

  play(): void {
    if (this.#playing && this.beat.runs) return;
    this.#playing = true;
    if (this.#leads) this.#go();
  }

  pause(): void {
    const stood = !this.#playing;
    this.#playing = false;
    this.#start.forget();
    if (stood || !this.#leads) return;
    const atUs = this.beat.at(performance.now());
    this.beat.stand(atUs);
    for (const tile of this.tiles) {
      tile.pause();
      tile.seek(atUs); // all on the very picture of this instant
    }
  }

  setSpeed(speed: number): void {
    this.beat.setSpeed(speed, performance.now());
    for (const tile of this.tiles) tile.setSpeed(speed);
  }

  dispose(): void {
    this.#start.dispose();
    this.stop();
  }

  #go(): void {
    this.#start.when(() => {
      this.beat.run(performance.now() + START_MS);
      for (const tile of this.tiles) tile.play(this.beat.speed);
    });
  }
}

class WallFilm implements FilmEngine {
  readonly #start: Start;
  #runs = false;

  constructor(
    private readonly tiles: readonly Tile[],
    private readonly beat: Beat,
    report: Report,
    private readonly first: () => Tile | undefined,
  ) {
    this.#start = new Start(tiles, beat, report);
  }

  show(atUs: number): void {
    this.#stand(atUs);
    for (const tile of this.tiles) tile.show(atUs);
  }

  /** The first camera goes by one picture, the others to the instant of it. */
  step(direction: 1 | -1, fromUs: number): void {
    const first = this.first();
    if (!first) return;
    const before = first.picture_us;
    this.#start.forget();
    first.step(direction, before ?? fromUs);
    const wait = (): void => {
      const at = first.picture_us;
      if (at === null || at === before) {
        if (performance.now() - asked < SECOND_US / 1000) requestAnimationFrame(wait);
        return;
      }
      this.beat.stand(at);
      for (const tile of this.tiles) if (tile !== first) tile.show(at);
    };
    const asked = performance.now();
    requestAnimationFrame(wait);
  }

  run(speed: number, fromUs: number): void {
    this.#stand(fromUs);
    this.#runs = true;
    this.beat.setSpeed(speed, performance.now());
    for (const tile of this.tiles) tile.run(speed, fromUs);
    this.#start.when(() => this.beat.run(performance.now()));
  }

  scrub(atUs: number): void {
    this.#stand(atUs);
    for (const tile of this.tiles) tile.scrub(atUs);
  }

  stop(): void {
    this.#start.forget();
    if (this.#runs) this.beat.stand(this.beat.at(performance.now()));
    this.#runs = false;
    for (const tile of this.tiles) tile.stopFilm();
  }

  dispose(): void {
    this.#start.dispose();
  }

  #stand(atUs: number): void {
    this.#start.forget();
    this.beat.stand(atUs);
  }
}
