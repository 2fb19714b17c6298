/** What a search found, in plain words. */

import { known } from "../api/known";
import type { BisectFinding, VerdictWord } from "../api/types";
import { clipped, durationWords, momentWords } from "../i18n/words";
import { m } from "../paraglide/messages";
import { clock } from "../time/clock.svelte";
import type { Question } from "./search.svelte";

/** Whether the two pictures of a finding say when it was. */
export function isFound(finding: BisectFinding): boolean {
  return finding.verdict === "found" || finding.verdict === "unsure";
}

interface Between {
  from: string;
  to: string;
}

const TITLES: Record<VerdictWord, (between: Between, question: Question) => string> = {
  found: (between, question) => (question === "appeared" ? m.find_appeared(between) : m.find_vanished(between)),
  unsure: (between) => m.find_unsure(between),
  alike: () => m.find_alike(),
  unlike: () => m.find_unlike(),
  dark: () => m.find_dark(),
  nothing: () => m.find_nothing(),
};

const ADVICE: Record<VerdictWord, (finding: BisectFinding) => string> = {
  found: ({ gaps, before_us, after_us }) => (gaps.length ? m.find_in_gap({ length: durationWords(after_us - before_us) }) : ""),
  unsure: () => m.find_unsure_advice(),
  alike: () => m.find_alike_advice(),
  unlike: () => m.find_light_advice(),
  dark: () => m.find_light_advice(),
  nothing: () => m.find_nothing_advice(),
};

export function titleOf(finding: BisectFinding, question: Question): string {
  const between = { from: moment(finding.before_us), to: moment(finding.after_us) };
  return known(TITLES, finding.verdict)?.(between, question) ?? m.find_foreign({ word: clipped(finding.verdict) });
}

/** What to do about it, or what it does not say. */
export function adviceOf(finding: BisectFinding): string {
  return known(ADVICE, finding.verdict)?.(finding) ?? "";
}

export function moment(atUs: number): string {
  return momentWords(atUs, clock.second_us, clock.zone);
}
