/** What was the matter, in a few words. */

import { known } from "../api/known";
import type { MatterWord } from "../api/types";
import { clipped } from "../i18n/words";
import { m } from "../paraglide/messages";

const MATTERS: Record<MatterWord, (of: { number: number }) => string> = {
  away: m.matter_away,
  failed: m.matter_failed,
  failing: m.matter_failing,
  short: m.matter_short,
  single: m.matter_single,
  damaged: m.matter_damaged,
  worn: m.matter_worn,
  sub_only: () => m.matter_sub_only(),
  key_frames: () => m.matter_key_frames(),
  nothing: () => m.matter_nothing(),
  stopped: () => m.matter_stopped(),
  unindexed: m.matter_unindexed,
  index: () => m.matter_index(),
  clock: () => m.matter_clock(),
  registry: () => m.matter_registry(),
};

export function matterWords(matter: MatterWord, volume: number | null): string {
  return known(MATTERS, matter)?.({ number: volume ?? 0 }) ?? m.matter_foreign({ word: clipped(matter) });
}
