/** One camera on one screen. */

import { mayDecode } from "../decode/darkroom";
import { Film } from "../decode/film";
import { Live } from "../live/live";
import { type Cast, type FilmEngine, type PastEngine, type Report, sourceOf, type Subject } from "./engine";
import { Playback } from "./playback";
import type { Shot } from "./snapshot";
import { Stills } from "./stills";
import type { Zoom } from "./zoom.svelte";

/** The elements that pictures appear on. */
export interface Screen {
  video: HTMLVideoElement;
  image: HTMLImageElement;
  /** Single pictures: stepping, backwards, fast, scrubbing. */
  film: HTMLCanvasElement;
  /** Keeps the last picture while the next one of the same camera is on its way. */
  held: HTMLCanvasElement;
}

export class Single implements Cast {
  constructor(
    private readonly screen: Screen,
    readonly zoom: Zoom,
  ) {}

  live(subject: Subject, report: Report): { dispose(): void } {
    const { video, image } = this.screen;
    const { channel, choice, nowUs } = subject;
    if (choice.how === "stills") return new Stills(image, sourceOf(subject), nowUs, report, true);
    return new Live(video, channel.number, choice.track, report);
  }

  past(subject: Subject, report: Report): PastEngine {
    const { video, image } = this.screen;
    if (subject.choice.how === "stills") return new Stills(image, sourceOf(subject), subject.nowUs, report, false);
    return new Playback(video, sourceOf(subject), subject.nowUs, report);
  }

  film(subject: Subject, report: Report): FilmEngine {
    const decodes = mayDecode() && subject.choice.how === "media";
    return new Film(this.screen.film, sourceOf(subject), subject.nowUs, report, { decodes });
  }

  hold({ choice }: Subject, surface: "media" | "film"): boolean {
    const { video, film, held } = this.screen;
    if (surface === "media" && choice.how === "stills") return false;
    const [source, width, height] = surface === "film" ? ([film, film.width, film.height] as const) : ([video, video.videoWidth, video.videoHeight] as const);
    if (width === 0) return false;
    held.width = width;
    held.height = height;
    held.getContext("2d")?.drawImage(source, 0, 0);
    return true;
  }

  shot({ channel, choice }: Subject, surface: "media" | "film", atUs: number): Shot {
    const { video, image, film } = this.screen;
    const source = surface === "film" ? film : choice.how === "stills" ? image : video;
    return { source, channel: channel.number, name: channel.name, atUs };
  }
}
