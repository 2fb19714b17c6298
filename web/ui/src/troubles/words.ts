/** What was the matter, in a few words. */

import type { Matter } from "../api/types";
import { m } from "../paraglide/messages";

export function matterWords(matter: Matter, volume: number | null): string {
  const number = volume ?? 0;
  switch (matter) {
    case "away":
      return m.matter_away({ number });
    case "failed":
      return m.matter_failed({ number });
    case "failing":
      return m.matter_failing({ number });
    case "short":
      return m.matter_short({ number });
    case "single":
      return m.matter_single({ number });
    case "damaged":
      return m.matter_damaged({ number });
    case "worn":
      return m.matter_worn({ number });
    case "unindexed":
      return m.matter_unindexed({ number });
    case "sub_only":
      return m.matter_sub_only();
    case "key_frames":
      return m.matter_key_frames();
    case "nothing":
      return m.matter_nothing();
    case "stopped":
      return m.matter_stopped();
    case "index":
      return m.matter_index();
  }
}
