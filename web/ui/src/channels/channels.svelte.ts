/** What the server says of the site and its cameras, asked again every two seconds. */

import { getChannels, getSite } from "../api/client";
import { Heard } from "../api/heard.svelte";
import type { Channel, Site } from "../api/types";
import { clock } from "../time/clock.svelte";

const EVERY_MS = 2_000;
const SILENT_MS = 8_000; // chosen: three questions and a slow answer

class Channels {
  list = $state.raw<Channel[]>([]);
  site = $state.raw<Site | null>(null);
  readonly heard = new Heard(SILENT_MS);
  /** The program of the server when this page was opened. */
  #version = $state("");

  readonly loaded = $derived(this.heard.at_us !== null);
  /** The server runs another program than the one that this page came from. */
  readonly updated = $derived(this.site !== null && this.#version !== "" && this.site.version !== this.#version);

  start(): () => void {
    let stopped = false;
    let timer: ReturnType<typeof setTimeout> | undefined;
    const again = async (): Promise<void> => {
      clearTimeout(timer);
      await this.#ask();
      if (!stopped) timer = setTimeout(() => void again(), EVERY_MS);
    };
    // A browser lets a hidden page ask once a minute: who comes back must not see what was.
    const back = (): void => void (document.visibilityState === "visible" && this.heard.late && again());
    document.addEventListener("visibilitychange", back);
    void again();
    return () => {
      stopped = true;
      clearTimeout(timer);
      document.removeEventListener("visibilitychange", back);
    };
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
      this.#version ||= site.version;
      this.list = await getChannels();
      this.heard.answered();
    } catch (error) {
      this.heard.failed(error);
    }
  }
}

export const channels = new Channels();
