/** The wall's choice of cameras. The viewer drives it: play, seek, speed and timeline are the same as for one camera. */

import type { Channel } from "../api/types";
import { viewer } from "../player/viewer.svelte";
import { monitor } from "../shell/monitor.svelte";
import { clock } from "../time/clock.svelte";
import { Beat } from "./beat";
import { WallCast } from "./cast";
import { shifts } from "./offsets";
import { Tile } from "./tile.svelte";

export const SIZES = [1, 4, 9, 16] as const;

class Wall {
  tiles = $state.raw<readonly Tile[]>([]);
  /** The camera whose timeline and name are shown, and whose pictures are stepped through. */
  chosen = $state<number | null>(null);
  /** The tile that has all the room. */
  alone = $state<number | null>(null);
  readonly beat = new Beat();
  /** The monitor was taken for the one tile, and is given back with it. */
  #took = false;

  readonly first = $derived(this.tiles.find((tile) => tile.channel.number === this.chosen) ?? this.tiles[0]);

  /** Put these cameras on the wall; those that stay keep their tiles. */
  hang(cameras: readonly Channel[]): void {
    const known = new Map(this.tiles.map((tile) => [tile.channel.number, tile]));
    this.tiles = cameras.map((channel) => known.get(channel.number) ?? new Tile(channel, this.beat, () => clock.nowUs()));
    if (!cameras.some((channel) => channel.number === this.chosen)) this.chosen = cameras[0]?.number ?? null;
    this.refresh(cameras);
  }

  /** Newer facts about the cameras, their clocks among them. */
  refresh(cameras: readonly Channel[]): void {
    const offsets: (number | null)[] = [];
    for (const tile of this.tiles) {
      tile.channel = cameras.find((channel) => channel.number === tile.channel.number) ?? tile.channel;
      offsets.push(tile.channel.tracks.find((track) => track.kind === tile.choice.track)?.clock_offset_us ?? null);
    }
    const moved = shifts(offsets);
    this.tiles.forEach((tile, at) => (tile.shift_us = moved[at] ?? 0));
  }

  /** Begin to show; gives what ends it. Every tile has its elements by now. */
  open(atUs: number | null, take: number | null): () => void {
    const first = this.first;
    if (!first) return () => undefined;
    viewer.close();
    const detach = viewer.attach(new WallCast(this.tiles, this.beat, () => this.first, () => viewer.wanted));
    viewer.wanted = this.tiles.length > 1 ? "sub" : "main";
    viewer.open(first.channel, atUs, take);
    return () => {
      detach();
      viewer.wanted = "main";
      if (viewer.channel) viewer.choose(viewer.channel);
    };
  }

  /** The camera before (−1) or behind (1) the chosen one. */
  beside(direction: 1 | -1): void {
    const at = this.tiles.findIndex((tile) => tile === this.first);
    const next = this.tiles[at + direction];
    if (next) this.choose(next.channel.number);
  }

  /** This camera alone on the whole monitor, or back. */
  enlarge(number: number | null): void {
    if (this.alone === null && number !== null) {
      this.choose(number);
      this.alone = number;
      this.#took = !monitor.full;
      if (this.#took) monitor.enter();
    } else {
      this.alone = null;
      if (this.#took) monitor.leave();
    }
  }

  choose(number: number): void {
    this.chosen = number;
    if (this.first) viewer.refresh(this.first.channel);
  }
}

export const wall = new Wall();
