/**
 * What the recorder says in English, in the language of the page. `forms.json` has the sentences that it knows, as regular
 * expressions of which the first that fits counts; a test of the project holds them against the recorder's own sentences.
 */

import { m } from "../paraglide/messages";
import forms from "./forms.json";

export type Form = keyof typeof forms;

const WORDS: Record<Form, () => string> = {
  lost_packets: m.said_lost_packets,
  other_key: m.said_other_key,
  settings_unreadable: m.said_settings_unreadable,
  password: m.said_password,
  credentials: m.said_credentials,
  forbids: m.said_forbids,
  in_clear: m.said_in_clear,
  crowded: m.said_crowded,
  elsewhere: m.said_elsewhere,
  insists: m.said_insists,
  tls: m.said_tls,
  name: m.said_name,
  refused: m.said_refused,
  no_route: m.said_no_route,
  no_answer: m.said_no_answer,
  closed: m.said_closed,
  no_key_frame: m.said_no_key_frame,
  no_sets: m.said_no_sets,
  no_pictures: m.said_no_pictures,
  codec: m.said_codec,
  coarse: m.said_coarse,
  key_frames: m.said_key_frames,
  not_recorded: m.said_not_recorded,
  all_again: m.said_all_again,
  too_much: m.said_too_much,
  too_slow: m.said_too_slow,
  no_volume: m.said_no_volume,
  disk_hangs: m.said_disk_hangs,
  volume: m.said_volume,
  descriptors: m.said_descriptors,
  changed: m.said_changed,
  stopped: m.said_stopped,
  ended: m.said_ended,
  clock: m.said_clock,
  expired: m.said_expired,
  off: m.said_off,
  silent: m.said_silent,
  too_fast: m.said_too_fast,
  damaged: m.said_damaged,
  address: m.said_address,
  before: m.said_before,
  file: m.said_file,
  declines: m.said_declines,
  garbled: m.said_garbled,
};

const FORMS = (Object.entries(forms) as [Form, string][]).map(([form, pattern]) => [form, new RegExp(pattern)] as const);

/** Which sentence it is; null: none that the page knows. */
export function formOf(text: string): Form | null {
  return FORMS.find(([, pattern]) => pattern.test(text))?.[0] ?? null;
}

/** The same in the language of the page; null: it is not known there. */
export function saidWords(text: string): string | null {
  const form = formOf(text);
  return form && WORDS[form]();
}
