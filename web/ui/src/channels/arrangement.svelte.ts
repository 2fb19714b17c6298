/** The order of the list as it is shown: faults first or by number, what the search lets through, and no jumping under the hand. */

import type { Channel } from "../api/types";
import { channels } from "./channels.svelte";
import { byNumber, search, worstFirst } from "./order";

export type Order = "worst" | "number";

const KEY = "nvr.order";

class Arrangement {
  words = $state("");
  order = $state<Order>(localStorage.getItem(KEY) === "number" ? "number" : "worst");
  /** The order of before, while a hand is on the list; null: the true order. */
  #held = $state.raw<number[] | null>(null);

  readonly #sorted = $derived(this.order === "worst" ? worstFirst(channels.list) : byNumber(channels.list));

  readonly shown: Channel[] = $derived(search(this.#held ? this.#asHeld(this.#held) : this.#sorted, this.words));

  choose(order: Order): void {
    this.order = order;
    this.#held = null;
    localStorage.setItem(KEY, order);
  }

  /** A row must not move away while somebody is about to press it. */
  hold(on: boolean): void {
    if (!on) this.#held = null;
    else this.#held ??= this.#sorted.map((channel) => channel.number);
  }

  /** The camera before (−1) or after (1) one in the list, as it is shown. */
  beside(number: number | null, direction: 1 | -1): Channel | null {
    const at = this.shown.findIndex((channel) => channel.number === number);
    if (at < 0) return this.shown[0] ?? null;
    return this.shown[at + direction] ?? null;
  }

  #asHeld(order: number[]): Channel[] {
    const place = new Map(order.map((number, index) => [number, index]));
    const of = (channel: Channel): number => place.get(channel.number) ?? Infinity;
    return [...channels.list].sort((a, b) => of(a) - of(b) || a.number - b.number);
  }
}

export const arrangement = new Arrangement();
