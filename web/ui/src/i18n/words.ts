/** Facts in plain words of the chosen language. */

import { known } from "../api/known";
import type { ReasonWord, RemarkWord, StateWord } from "../api/types";
import { type Condition, needsAttention } from "../channels/order";
import { m } from "../paraglide/messages";
import { getLocale } from "../paraglide/runtime";
import type { Doubt } from "../timeline/coverage";
import { DAY_US, HOUR_US, MINUTE_US, SECOND_US } from "../time/units";
import { clockText, dateText, dayMonth, hourMinute, type Zone } from "../time/zone";

const REASONS: Record<ReasonWord, () => string> = {
  camera: m.reason_camera,
  network: m.reason_network,
  authentication: m.reason_authentication,
  restart: m.reason_restart,
  disk: m.reason_disk,
  overload: m.reason_overload,
  operator: m.reason_operator,
  clock: m.reason_clock,
  retention: m.reason_retention,
  settings: m.reason_settings,
};

const STATES: Record<StateWord, () => string> = {
  recording: m.state_recording,
  connecting: m.state_connecting,
  starting: m.state_starting,
  waiting: m.state_waiting,
  no_disk: m.state_no_disk,
  off: m.state_off,
  stopped: m.state_stopped,
};

export function reasonWords(reason: ReasonWord | null): string {
  if (reason === null) return m.reason_unknown();
  return known(REASONS, reason)?.() ?? m.reason_foreign({ word: clipped(reason) });
}

const REMARKS: Record<RemarkWord, () => string> = { coarse: m.remark_coarse, key_frames: m.remark_key_frames, other: m.remark_other };

type Shown = Pick<Condition, "state" | "partly" | "remark"> & Partial<Pick<Condition, "removed" | "reason">>;

export function stateWords({ state, partly, remark, removed = false, reason = null }: Shown): string {
  if (removed) return m.state_removed();
  if (state === "waiting" && reason === "settings") return m.state_unusable();
  if (partly) return m.state_partly();
  if (remark !== null) return (known(REMARKS, remark) ?? m.remark_other)();
  return known(STATES, state)?.() ?? m.state_foreign({ word: clipped(state) });
}

const DOUBTS: Record<Doubt["kind"], () => string> = { coarse: m.doubt_coarse, doubtful: m.doubt_clock, twice: m.doubt_twice, away: m.doubt_away, damaged: m.doubt_damaged };

/** Why the times of what is seen are not to be taken as they stand. */
export function doubtWords(kind: Doubt["kind"]): string {
  return DOUBTS[kind]();
}

/** "Camera từ chối mật khẩu" where there is a reason to give; empty where all is well. */
export function reasonOf(what: Condition): string {
  return needsAttention(what) && what.reason !== null ? reasonWords(what.reason) : "";
}

/** Two units at most: "2 phút 13 giây", "3 ngày 4 giờ". Under a second: tenths. */
export function durationWords(us: number): string {
  const tenths = Math.max(1, Math.round(us / (SECOND_US / 10)));
  if (tenths < 100) return m.unit_seconds({ count: decimal(tenths / 10, tenths % 10 === 0 ? 0 : 1) });
  const seconds = Math.round(us / SECOND_US);
  if (us < MINUTE_US) return m.unit_seconds({ count: seconds });
  if (us < HOUR_US) return two(m.unit_minutes, Math.floor(seconds / 60), m.unit_seconds, seconds % 60);
  const minutes = Math.round(us / MINUTE_US);
  if (us < DAY_US) return two(m.unit_hours, Math.floor(minutes / 60), m.unit_minutes, minutes % 60);
  const hours = Math.round(us / HOUR_US);
  return two(m.unit_days, Math.floor(hours / 24), m.unit_hours, hours % 24);
}

/** A clock time, with its date when that is not today's. */
export function momentWords(atUs: number, nowUs: number, zone: Zone): string {
  const at = zone.local(atUs);
  const today = zone.local(nowUs);
  if (at.year === today.year && at.month === today.month && at.day === today.day) return clockText(at);
  return at.year === today.year ? `${clockText(at)} ${dayMonth(at)}` : `${clockText(at)} ${dateText(at)}`;
}

/** For the list: minutes are fine enough. */
export function sinceWords(atUs: number, nowUs: number, zone: Zone): string {
  const at = zone.local(atUs);
  return nowUs - atUs < 20 * HOUR_US ? hourMinute(at) : `${hourMinute(at)} ${dayMonth(at)}`;
}

/** "Thứ Hai, 23/11/2026" */
export function dayWords(atUs: number, zone: Zone): string {
  const weekday = new Intl.DateTimeFormat(getLocale(), { timeZone: zone.name, weekday: "long" }).format(atUs / 1000);
  return `${weekday}, ${dateText(zone.local(atUs))}`;
}

export function decimal(value: number, digits: number): string {
  return new Intl.NumberFormat(getLocale(), { minimumFractionDigits: digits, maximumFractionDigits: digits }).format(value);
}

const LONGEST = 200; // characters; chosen: three lines on a phone

/** What others wrote, as text of a bounded length. */
export function clipped(text: string): string {
  const letters = [...text.slice(0, 2 * LONGEST + 2)];
  return letters.length > LONGEST ? `${letters.slice(0, LONGEST).join("")}…` : text;
}

/** What others wrote, for a sentence of ours: whichever way it is read, the sentence stays as it is (UAX #9, isolates). */
export function isolated(text: string): string {
  return `\u2068${clipped(text)}\u2069`;
}

type Unit = (inputs: { count: number }) => string;

function two(large: Unit, many: number, small: Unit, few: number): string {
  return few === 0 ? large({ count: many }) : `${large({ count: many })} ${small({ count: few })}`;
}
