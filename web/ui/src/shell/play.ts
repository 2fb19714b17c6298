/** The commands that are about the picture that is shown and its place in time. */

import { marks } from "../clip/marks.svelte";
import { bookmarks } from "../finding/bookmarks.svelte";
import { takeSnapshot } from "../player/take";
import { viewer } from "../player/viewer.svelte";
import { SECOND_US } from "../time/units";
import { timeline } from "../timeline/timeline.svelte";
import { width } from "../timeline/viewport";
import type { Command } from "./keys";

/** Do it; whether it was one of these. */
export function play(command: Command): boolean {
  switch (command) {
    case "toggle":
      viewer.toggle();
      break;
    case "back10":
      viewer.move(-10);
      break;
    case "forward10":
      viewer.move(10);
      break;
    case "backMinute":
      viewer.move(-60);
      break;
    case "forwardMinute":
      viewer.move(60);
      break;
    case "frameBack":
      viewer.step(-1);
      break;
    case "frameForward":
      viewer.step(1);
      break;
    case "slower":
      viewer.changeSpeed(-1);
      break;
    case "faster":
      viewer.changeSpeed(1);
      break;
    case "reverse":
      viewer.toggleReverse();
      break;
    case "live":
      viewer.goLive();
      break;
    case "gapBefore":
      toGap(timeline.gapBefore(viewer.cursor_us)?.start_us);
      break;
    case "gapAfter":
      toGap(timeline.gapAfter(viewer.cursor_us)?.start_us);
      break;
    case "activityBefore":
    case "activityAfter":
      visit(timeline.activityBeside(viewer.cursor_us, command === "activityAfter" ? 1 : -1) ?? undefined);
      break;
    case "zoomOut":
      timeline.zoomBy(1.6, viewer.cursor_us);
      break;
    case "zoomIn":
      timeline.zoomBy(1 / 1.6, viewer.cursor_us);
      break;
    case "panBack":
      timeline.panBy(-width(timeline.view) / 4);
      break;
    case "panForward":
      timeline.panBy(width(timeline.view) / 4);
      break;
    case "markIn":
      marks.setFrom(viewer.cursor_us);
      break;
    case "markOut":
      marks.setTo(viewer.cursor_us);
      break;
    case "bookmarkBefore":
    case "bookmarkAfter":
      visit(bookmarks.beside(viewer.channel?.number ?? null, viewer.cursor_us, command === "bookmarkAfter" ? 1 : -1)?.at_us);
      break;
    case "snapshot":
      void takeSnapshot();
      break;
    case "pictureIn":
      viewer.zoom?.by(1.4);
      break;
    case "pictureOut":
      viewer.zoom?.by(1 / 1.4);
      break;
    case "pictureWhole":
      viewer.zoom?.reset();
      break;
    case "pictureLeft":
      viewer.zoom?.move(0.15, 0);
      break;
    case "pictureRight":
      viewer.zoom?.move(-0.15, 0);
      break;
    case "pictureUp":
      viewer.zoom?.move(0, 0.15);
      break;
    case "pictureDown":
      viewer.zoom?.move(0, -0.15);
      break;
    default:
      return false;
  }
  return true;
}

function toGap(startUs: number | undefined): void {
  if (startUs !== undefined) visit(startUs + SECOND_US / 10);
}

function visit(atUs: number | undefined): void {
  if (atUs === undefined) return;
  viewer.seek(atUs);
  timeline.reveal(atUs);
}
