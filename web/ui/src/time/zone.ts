/** Local time of the site, whatever zone the browser is in. Local time exists only on the screen; all data is UTC. */

import { DAY_US, MINUTE_US, SECOND_US } from "./units";

export interface LocalTime {
  year: number;
  month: number;
  day: number;
  hour: number;
  minute: number;
  second: number;
  micro: number;
}

export class Zone {
  readonly #fields: Intl.DateTimeFormat;
  #cached: { from_us: number; to_us: number; offset_us: number } | null = null;

  constructor(readonly name: string) {
    this.#fields = new Intl.DateTimeFormat("en-GB", {
      timeZone: name,
      hourCycle: "h23",
      year: "numeric",
      month: "numeric",
      day: "numeric",
      hour: "numeric",
      minute: "numeric",
      second: "numeric",
    });
  }

  /** What must be added to UTC to get local time at that instant. Zones change on whole quarters of an hour. */
  offsetUs(atUs: number): number {
    const cached = this.#cached;
    if (cached && atUs >= cached.from_us && atUs < cached.to_us) return cached.offset_us;
    const quarter = Math.floor(atUs / (15 * MINUTE_US)) * 15 * MINUTE_US;
    const parts: Record<string, number> = {};
    for (const part of this.#fields.formatToParts(quarter / 1000)) parts[part.type] = Number(part.value);
    const local = Date.UTC(
      parts["year"]!,
      parts["month"]! - 1,
      parts["day"]!,
      parts["hour"]!,
      parts["minute"]!,
      parts["second"]!,
    );
    const offset_us = local * 1000 - quarter;
    this.#cached = { from_us: quarter, to_us: quarter + 15 * MINUTE_US, offset_us };
    return offset_us;
  }

  /** The clock on the wall at an instant. */
  local(atUs: number): LocalTime {
    const shifted = atUs + this.offsetUs(atUs);
    const date = new Date(Math.floor(shifted / 1000));
    return {
      year: date.getUTCFullYear(),
      month: date.getUTCMonth() + 1,
      day: date.getUTCDate(),
      hour: date.getUTCHours(),
      minute: date.getUTCMinutes(),
      second: date.getUTCSeconds(),
      micro: ((shifted % SECOND_US) + SECOND_US) % SECOND_US,
    };
  }

  /** The instant at which the clock on the wall shows this. Where the clock is set back, the first of the two. */
  instant(local: LocalTime): number {
    const asUtc =
      Date.UTC(local.year, local.month - 1, local.day, local.hour, local.minute, local.second) * 1000 + local.micro;
    const early = asUtc - this.offsetUs(asUtc - DAY_US);
    return early + this.offsetUs(early) === asUtc ? early : asUtc - this.offsetUs(asUtc);
  }

  /** Local midnight at or before an instant. */
  midnight(atUs: number): number {
    return this.instant({ ...this.local(atUs), hour: 0, minute: 0, second: 0, micro: 0 });
  }
}

export function twoDigits(value: number): string {
  return String(value).padStart(2, "0");
}

/** 20:31 */
export function hourMinute(time: LocalTime): string {
  return `${twoDigits(time.hour)}:${twoDigits(time.minute)}`;
}

/** 20:31:05 */
export function clockText(time: LocalTime): string {
  return `${hourMinute(time)}:${twoDigits(time.second)}`;
}

/** 23/11 – the same in both languages of the house */
export function dayMonth(time: LocalTime): string {
  return `${twoDigits(time.day)}/${twoDigits(time.month)}`;
}

/** 23/11/2026 */
export function dateText(time: LocalTime): string {
  return `${dayMonth(time)}/${time.year}`;
}

/** For <input type="datetime-local" step="1">: 2026-11-23T20:31:05 */
export function fieldText(time: LocalTime): string {
  return `${time.year}-${twoDigits(time.month)}-${twoDigits(time.day)}T${clockText(time)}`;
}

/** Reads what the field gives; null if it is empty or not a time. */
export function parseField(text: string): LocalTime | null {
  const found = /^(\d{4})-(\d\d)-(\d\d)T(\d\d):(\d\d)(?::(\d\d))?/.exec(text);
  if (!found) return null;
  const [year, month, day, hour, minute, second] = found.slice(1).map((part) => Number(part ?? 0));
  return { year: year!, month: month!, day: day!, hour: hour!, minute: minute!, second: second ?? 0, micro: 0 };
}
