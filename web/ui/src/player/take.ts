/** Takes the picture that is shown into a file. */

import { channels } from "../channels/channels.svelte";
import { clock } from "../time/clock.svelte";
import { clockText, dateText } from "../time/zone";
import { download, drawShot } from "./snapshot";
import { takes } from "./takes.svelte";
import { viewer } from "./viewer.svelte";

export async function takeSnapshot(): Promise<void> {
  const shot = viewer.shot();
  if (!shot) return;
  const local = clock.zone.local(shot.atUs);
  const hundredths = String(Math.floor(local.micro / 10_000)).padStart(2, "0");
  const site = channels.site?.name ?? "";
  const left = [`${shot.channel}  ${shot.name}`, site, takes.words].filter(Boolean).join("  –  ");
  const picture = await drawShot(shot, left, `${dateText(local)}  ${clockText(local)}.${hundredths}`);
  if (!picture) return;
  const stamp = `${dateText(local).split("/").reverse().join("")}-${clockText(local).replaceAll(":", "")}`;
  download(picture, `channel-${String(shot.channel).padStart(2, "0")}-${stamp}-${hundredths}.png`);
}
