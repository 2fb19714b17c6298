/** Whether the days that were promised are kept. Pure. */

import type { Kept } from "../api/types";

/**
 * `kept`: what is promised is there, and will be. `short`: there is less, and it is not lost either: a recorder that has
 * not run for so long yet. `broken`: days that are there or promised will be lost, or a quota has no room for the least.
 */
export type Outlook = "kept" | "short" | "broken";

const ROUNDING_DAYS = 0.05; // the server tells tenths

export function outlook({ promised_days, holding_days, expected_days, impossible }: Kept): Outlook {
  if (impossible || expected_days < Math.min(promised_days, holding_days) - ROUNDING_DAYS) return "broken";
  return Math.min(holding_days, expected_days) < promised_days - ROUNDING_DAYS ? "short" : "kept";
}
