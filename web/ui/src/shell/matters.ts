/** Which troubles of the recorder's book are alarms of their own. Pure. */

import { known } from "../api/known";
import type { MatterWord, Trouble } from "../api/types";
import { clipped } from "../i18n/words";
import { m } from "../paraglide/messages";
import { HOUR_US } from "../time/units";

/** Null: the state of the disks or of the recorder tells it already, with what to do. */
const ALARMS: Record<MatterWord, (() => string) | null> = {
  away: null,
  failed: null,
  failing: null,
  short: null,
  single: null,
  damaged: null,
  worn: null,
  unindexed: null,
  sub_only: null,
  key_frames: null,
  nothing: null,
  stopped: null,
  index: m.alarm_index,
  clock: null,
  registry: m.alarm_registry,
};

export interface MatterAlarm {
  words: string;
  detail: string;
}

/** What lasts and is told nowhere else. A matter that this page does not know is told by its word. */
export function lasting(troubles: readonly Trouble[]): MatterAlarm[] {
  return troubles
    .filter((one) => one.ended_us === null)
    .map((one) => ({ words: wordsOf(one.matter), detail: one.detail }))
    .filter((alarm) => alarm.words !== "");
}

/** Who comes in the morning must learn that the recorder stood still at night, though it runs again. */
export function restarted(troubles: readonly Trouble[], nowUs: number): Trouble | null {
  const lately = (one: Trouble): boolean => one.ended_us !== null && nowUs - one.ended_us < 12 * HOUR_US;
  return troubles.find((one) => one.matter === "stopped" && lately(one)) ?? null;
}

function wordsOf(matter: MatterWord): string {
  const words = known(ALARMS, matter);
  if (words === undefined) return m.matter_foreign({ word: clipped(matter) });
  return words?.() ?? "";
}
