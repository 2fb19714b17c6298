/** What the server says of the site and its cameras, asked again every two seconds. */

import { ApiError, getChannels, getSite } from "../api/client";
import type { Channel, Site } from "../api/types";
import { clock } from "../time/clock.svelte";

const EVERY_MS = 2_000;

class Channels {
  list = $state.raw<Channel[]>([]);
  site = $state.raw<Site | null>(null);
  /** Why the list cannot be trusted at the moment; null: it is fresh. */
  problem = $state.raw<ApiError | null>(null);
  loaded = $state(false);

  start(): () => void {
    let stopped = false;
    const again = async (): Promise<void> => {
      await this.#ask();
      if (!stopped) setTimeout(() => void again(), EVERY_MS);
    };
    void again();
    return () => (stopped = true);
  }

  get(number: number): Channel | null {
    return this.list.find((channel) => channel.number === number) ?? null;
  }

  async #ask(): Promise<void> {
    try {
      const sent = performance.now();
      const site = await getSite();
      clock.learn(site.now_us, sent, performance.now());
      clock.setZone(site.timezone);
      this.site = site;
      this.list = await getChannels();
      this.loaded = true;
      this.problem = null;
    } catch (error) {
      this.problem = error instanceof ApiError ? error : new ApiError(0, String(error));
    }
  }
}

export const channels = new Channels();
