/** One camera of a wall: its state for the page, and its engines, which follow the wall's clock. */

import type { Channel, KindWord } from "../api/types";
import { mayDecode } from "../decode/darkroom";
import { Film } from "../decode/film";
import { Live, type Together } from "../live/live";
import { type Choice, choose, fallback, present, type Why } from "../player/choice";
import type { FilmEngine, PastEngine, Report, Step, Trouble } from "../player/engine";
import { Playback } from "../player/playback";
import { canPlay } from "../player/sink";
import { Stills } from "../player/stills";
import type { Hole } from "../player/table";
import type { Shot } from "../player/snapshot";
import type { CameraWord } from "../player/viewer.svelte";
import { Zoom } from "../player/zoom.svelte";
import type { Beat } from "./beat";

export interface TileScreen {
  video: HTMLVideoElement;
  image: HTMLImageElement;
  film: HTMLCanvasElement;
  /** Keeps the last picture while the other track's first one is on its way. */
  held: HTMLCanvasElement;
}

const FILM_BYTES = 512 << 20; // of decoded pictures, for all tiles together
const BEHIND_US = 250_000; // more than this is said on the tile
const NEAR_US = 1_500_000;

function sizeOf(source: HTMLVideoElement | HTMLImageElement | HTMLCanvasElement): [width: number, height: number] {
  if (source instanceof HTMLVideoElement) return [source.videoWidth, source.videoHeight];
  return source instanceof HTMLImageElement ? [source.naturalWidth, source.naturalHeight] : [source.width, source.height];
}

export class Tile {
  channel = $state.raw<Channel>()!;
  phase = $state<"loading" | "showing" | "hole">("loading");
  surface = $state<"media" | "stills" | "film">("media");
  picture_us = $state<number | null>(null);
  behind_us = $state(0);
  hole = $state.raw<Hole | null>(null);
  trouble = $state.raw<Trouble | null>(null);
  camera = $state.raw<CameraWord | null>(null);
  choice = $state.raw<Choice>({ track: "sub", how: "media", because: null });
  /** A picture of the other track stands in for the one on its way. */
  holding = $state(false);
  readonly zoom = new Zoom();
  /** How much later than the wall's clock its footage is taken. */
  shift_us = 0;
  screen: TileScreen | null = null;
  /** What was asked for last has been shown, or cannot be. */
  settled = false;
  onsettled: () => void = () => undefined;
  onnow: () => void = () => undefined;
  onother: () => void = () => undefined;

  #live: { dispose(): void } | null = null;
  #past: PastEngine | null = null;
  #film: FilmEngine | null = null;
  #lead: "media" | "film" | "live" | null = null;
  #target_us = 0;
  #take: number | null = null;
  #wanted: KindWord = "sub";
  /** What the wall asks for. */
  #asked: KindWord = "sub";
  /** It has much room: then the full picture is worth its bytes. */
  #large = false;

  constructor(
    channel: Channel,
    private readonly beat: Beat,
    private readonly nowUs: () => number,
  ) {
    this.channel = channel;
  }

  choose(wanted: KindWord): void {
    this.#asked = wanted;
    this.#wanted = present(this.channel, this.#large ? "main" : wanted);
    this.choice = choose(this.channel, this.#wanted, canPlay);
  }

  /** It has the whole monitor or is looked at closely, or no longer: another track, from the same instant on. */
  enlarge(large: boolean): void {
    if (large === this.#large) return;
    const { track, how } = this.choice;
    this.#large = large;
    this.choose(this.#asked);
    if (!this.#lead || (track === this.choice.track && how === this.choice.how)) return;
    this.#hold();
    this.onother();
  }

  goLive(together: Together | null): void {
    this.stop();
    const screen = this.screen;
    if (!screen) return;
    this.#lead = "live";
    this.phase = "loading";
    this.#live =
      this.choice.how === "stills"
        ? new Stills(screen.image, { channel: this.channel.number, track: this.choice.track, take: null }, this.nowUs, this.#report("live"), true)
        : new Live(screen.video, this.channel.number, this.choice.track, this.#report("live"), together && this.#shifted(together));
  }

  #shifted({ targetUs, short }: Together): Together {
    return { targetUs: () => targetUs() + this.shift_us, short };
  }

  /** Live: how far the shown picture is behind the instant that all show. */
  measure(targetUs: number): void {
    const behind = this.picture_us === null || this.choice.how === "stills" ? 0 : targetUs - this.picture_us;
    this.behind_us = behind > BEHIND_US ? behind : 0;
  }

  /** Engines for the past; `many`: how many tiles share the memory; `take`: of time that was recorded more than once. */
  goPast(many: number, take: number | null): void {
    this.stop();
    this.#take = take;
    const screen = this.screen;
    if (!screen) return;
    const [source, how] = [{ channel: this.channel.number, track: this.choice.track, take }, this.choice.how];
    const options = { limitBytes: FILM_BYTES / many, decodes: mayDecode() && how === "media", step: this.#step() };
    this.#film = new Film(screen.film, source, this.nowUs, this.#report("film"), options);
    if (how === "media") this.#past = new Playback(screen.video, source, this.nowUs, this.#report("media"), this.#step());
  }

  /** Other engines for another track, as far as these had come. */
  rejoin(many: number): void {
    const [lead, atUs, { runs, speed }] = [this.#lead, this.beat.at(performance.now()), this.beat];
    this.goPast(many, this.#take);
    if (lead === "film" && runs) this.run(speed, atUs);
    else if (lead === "film") this.show(atUs);
    else {
      this.seek(atUs);
      if (runs) this.play(speed);
    }
  }

  stop(): void {
    this.#live?.dispose();
    this.#past?.dispose();
    this.#film?.dispose();
    this.#live = this.#past = this.#film = null;
    this.#lead = null;
    this.trouble = this.hole = this.camera = null;
    this.behind_us = 0;
    this.picture_us = null;
  }

  /** The picture of an instant of the wall's clock, by the media element where it can. */
  seek(atUs: number): void {
    this.#aim(atUs, this.#past ? "media" : "film");
    if (this.#past) this.#past.seek(atUs + this.shift_us);
    else this.#film?.show(atUs + this.shift_us);
  }

  show(atUs: number): void {
    this.#aim(atUs, "film");
    this.#film?.show(atUs + this.shift_us);
  }

  /** Follow the clock as it runs forwards at the speed of a media element. */
  play(speed: number): void {
    if (!this.#past) {
      this.run(speed, this.beat.at(performance.now()));
      return;
    }
    this.#past.setSpeed(speed);
    this.#past.play();
  }

  setSpeed(speed: number): void {
    this.#past?.setSpeed(speed);
  }

  /** Follow the clock with single pictures. */
  run(speed: number, fromUs: number): void {
    this.#aim(fromUs, "film");
    this.#film?.run(speed, fromUs + this.shift_us);
  }

  step(direction: 1 | -1, fromUs: number): void {
    this.#aim(fromUs, "film");
    this.#film?.step(direction, fromUs + this.shift_us);
  }

  scrub(atUs: number): void {
    this.#aim(atUs, "film");
    this.#film?.scrub(atUs + this.shift_us);
  }

  pause(): void {
    this.#past?.pause();
    this.behind_us = 0;
  }

  stopFilm(): void {
    this.#film?.stop();
    this.behind_us = 0;
  }

  shot(): Shot | null {
    if (!this.screen || this.picture_us === null) return null;
    const { video, image, film } = this.screen;
    const source = this.surface === "film" ? film : this.surface === "stills" ? image : video;
    return { source, channel: this.channel.number, name: this.channel.name, atUs: this.picture_us + this.shift_us };
  }

  #aim(atUs: number, lead: "media" | "film"): void {
    if (lead === "film") this.#past?.pause();
    else this.#film?.stop();
    this.#lead = lead;
    this.#target_us = atUs + this.shift_us;
    this.settled = false;
  }

  #step(): Step {
    const tile = this;
    return {
      get speed() {
        return tile.beat.speed;
      },
      dueUs: (nowMs) => this.beat.at(nowMs) + this.shift_us,
      wait: () => false,
      behind: (us) => (this.behind_us = us > BEHIND_US * Math.abs(this.beat.speed) ? us : 0),
    };
  }

  #hold(): void {
    if (!this.screen || this.picture_us === null) return;
    const { video, image, film, held } = this.screen;
    const source = this.surface === "film" ? film : this.surface === "stills" ? image : video;
    const [width, height] = sizeOf(source);
    if (width === 0) return;
    [held.width, held.height] = [width, height];
    held.getContext("2d")?.drawImage(source, 0, 0);
    this.holding = true;
  }

  #settle(): void {
    if (this.settled) return;
    this.settled = true;
    this.onsettled();
  }

  #report(who: "media" | "film" | "live"): Report {
    const mine = (): boolean => this.#lead === who;
    return {
      loading: () => undefined, // the last picture of the same camera stays in sight
      picture: (atUs) => mine() && this.#shown(atUs, who),
      hole: (hole) => mine() && this.#stand(hole),
      skipped: () => undefined,
      reachedNow: () => mine() && this.onnow(),
      unsupported: (why) => mine() && this.#other(why),
      trouble: (what) => mine() && this.#ill(what),
      camera: (state, reason, message) => mine() && (this.camera = { state, reason, message }),
    };
  }

  #shown(atUs: number, who: "media" | "film" | "live"): void {
    this.phase = "showing";
    this.holding = false;
    this.surface = who === "film" ? "film" : this.choice.how === "stills" ? "stills" : "media";
    this.hole = null;
    this.picture_us = atUs - this.shift_us;
    if (who !== "media" || Math.abs(atUs - this.#target_us) < NEAR_US) this.#settle();
  }

  #stand(hole: Hole): void {
    this.phase = "hole";
    this.holding = false;
    this.hole = hole;
    this.picture_us = null;
    this.#settle();
  }

  #ill(what: Trouble | null): void {
    this.trouble = what;
    if (what) this.#settle();
  }

  #other(why: Why): void {
    this.choice = fallback(this.channel, this.choice, this.#wanted, why);
    this.#settle();
    this.onother();
  }
}
