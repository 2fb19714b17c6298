/** What the heading of the list says. "All are recording" is only said of a list that is fresh and not empty. Pure. */

import type { Channel } from "../api/types";
import { condition, needsAttention } from "./order";

export type Headline =
  | { kind: "loading" }
  | { kind: "failed" } // no list has ever come
  | { kind: "old" } // what is shown is of before
  | { kind: "empty" } // no cameras are configured
  | { kind: "trouble"; count: number }
  | { kind: "off" } // all are switched off on purpose
  | { kind: "well" };

/** How fresh a list is, as `Heard` has it. */
export interface Freshness {
  at_us: number | null;
  problem: unknown;
  stale: boolean;
}

export function headline(list: readonly Channel[], { at_us, problem, stale }: Freshness): Headline {
  if (at_us === null) return { kind: problem === null ? "loading" : "failed" };
  if (stale) return { kind: "old" };
  if (configured(list).length === 0) return { kind: "empty" };
  const count = list.filter((channel) => needsAttention(condition(channel))).length;
  if (count > 0) return { kind: "trouble", count };
  return { kind: recording(list) > 0 ? "well" : "off" };
}

/** Cameras that are to record: those that were taken out of the list have footage, and nothing else. */
export function configured(list: readonly Channel[]): Channel[] {
  return list.filter((channel) => !channel.removed);
}

/** How many cameras record their main picture, whatever else is the matter. */
export function recording(list: readonly Channel[]): number {
  return list.filter((channel) => {
    const what = condition(channel);
    return what.partly || what.state === "recording";
  }).length;
}
