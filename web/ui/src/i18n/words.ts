/** Facts in plain words of the chosen language. */

import type { GapReason } from "../api/types";
import { type Condition, needsAttention } from "../channels/order";
import { m } from "../paraglide/messages";
import { getLocale } from "../paraglide/runtime";
import { DAY_US, HOUR_US, MINUTE_US, SECOND_US } from "../time/units";
import { clockText, dateText, dayMonth, hourMinute, type Zone } from "../time/zone";

export function reasonWords(reason: GapReason | null): string {
  switch (reason) {
    case "camera":
      return m.reason_camera();
    case "network":
      return m.reason_network();
    case "authentication":
      return m.reason_authentication();
    case "restart":
      return m.reason_restart();
    case "disk":
      return m.reason_disk();
    case "overload":
      return m.reason_overload();
    case "operator":
      return m.reason_operator();
    case "clock":
      return m.reason_clock();
    case "retention":
      return m.reason_retention();
    case null:
      return m.reason_unknown();
  }
}

export function stateWords(what: Condition): string {
  if (what.partly) return m.state_partly();
  switch (what.state) {
    case "recording":
      return m.state_recording();
    case "connecting":
      return m.state_connecting();
    case "waiting":
      return m.state_waiting();
    case "failed":
      return m.state_failed();
    case "off":
      return m.state_off();
    case "stopped":
      return m.state_stopped();
  }
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

type Unit = (inputs: { count: number }) => string;

function two(large: Unit, many: number, small: Unit, few: number): string {
  return few === 0 ? large({ count: many }) : `${large({ count: many })} ${small({ count: few })}`;
}
