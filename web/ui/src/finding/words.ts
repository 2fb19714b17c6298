/** What a search found, in plain words. */

import type { BisectFinding } from "../api/types";
import { durationWords, momentWords } from "../i18n/words";
import { m } from "../paraglide/messages";
import { clock } from "../time/clock.svelte";
import type { Question } from "./search.svelte";

/** Whether the two pictures of a finding say when it was. */
export function isFound(finding: BisectFinding): boolean {
  return finding.verdict === "found" || finding.verdict === "unsure";
}

export function titleOf(finding: BisectFinding, question: Question): string {
  const between = { from: moment(finding.before_us), to: moment(finding.after_us) };
  switch (finding.verdict) {
    case "found":
      return question === "appeared" ? m.find_appeared(between) : m.find_vanished(between);
    case "unsure":
      return m.find_unsure(between);
    case "alike":
      return m.find_alike();
    case "unlike":
      return m.find_unlike();
    case "dark":
      return m.find_dark();
    case "nothing":
      return m.find_nothing();
  }
}

/** What to do about it, or what it does not say. */
export function adviceOf(finding: BisectFinding): string {
  switch (finding.verdict) {
    case "found":
      return finding.gaps.length ? m.find_in_gap({ length: durationWords(finding.after_us - finding.before_us) }) : "";
    case "unsure":
      return m.find_unsure_advice();
    case "alike":
      return m.find_alike_advice();
    case "unlike":
    case "dark":
      return m.find_light_advice();
    case "nothing":
      return m.find_nothing_advice();
  }
}

export function moment(atUs: number): string {
  return momentWords(atUs, clock.second_us, clock.zone);
}
