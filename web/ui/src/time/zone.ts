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

/** What the "go to" field shows and understands: 23/11/2026 20:31:05 */
export function momentText(time: LocalTime): string {
  return `${dateText(time)} ${clockText(time)}`;
}

/**
 * Reads a time as people write it: "20:31", "20:31:05", "8h5", "23/11 20:31", "23/11/2026 20:31:05", "23/11/2026".
 * Without a date: the last time the clock showed that. Without a year: the last such day. null: not understood.
 */
export function parseMoment(text: string, nowUs: number, zone: Zone): number | null {
  const found = /^\s*(?:(\d{1,2})[/.-](\d{1,2})(?:[/.-](\d{4}))?)?[\s,]*(?:(\d{1,2})[:hg](?:(\d{1,2})(?:[:p](\d{1,2}))?)?)?\s*$/i.exec(text);
  if (!found || (found[1] === undefined && found[4] === undefined)) return null;
  const [day, month, year, hour, minute, second] = found.slice(1).map((part) => (part === undefined ? null : Number(part)));
  const today = zone.local(nowUs);
  const wanted: LocalTime = {
    year: year ?? today.year,
    month: month ?? today.month,
    day: day ?? today.day,
    hour: hour ?? 0,
    minute: minute ?? 0,
    second: second ?? 0,
    micro: 0,
  };
  if (!isReal(wanted)) return null;
  const at = zone.instant(wanted);
  if (at <= nowUs || year != null) return at;
  if (day == null) return zone.instant({ ...zone.local(zone.instant({ ...wanted, hour: 12 }) - DAY_US), ...clockOf(wanted) });
  return isReal({ ...wanted, year: wanted.year - 1 }) ? zone.instant({ ...wanted, year: wanted.year - 1 }) : null;
}

function clockOf({ hour, minute, second, micro }: LocalTime): Pick<LocalTime, "hour" | "minute" | "second" | "micro"> {
  return { hour, minute, second, micro };
}

function isReal(time: LocalTime): boolean {
  const day = new Date(Date.UTC(time.year, time.month - 1, time.day));
  const dayExists = day.getUTCMonth() === time.month - 1 && day.getUTCDate() === time.day;
  return dayExists && time.hour < 24 && time.minute < 60 && time.second < 60;
}
