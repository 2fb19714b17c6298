/** Sizes of files in words, as file managers say them: 1 MB is 10⁶ bytes. */

import { decimal } from "../i18n/words";

const UNITS = ["B", "kB", "MB", "GB", "TB"] as const;

export function sizeWords(bytes: number): string {
  const power = bytes < 1000 ? 0 : Math.min(UNITS.length - 1, Math.floor(Math.log10(bytes) / 3));
  const value = bytes / 1000 ** power;
  return `${decimal(value, power >= 2 && value < 10 ? 1 : 0)} ${UNITS[power]}`;
}

/** `20261128-140320` for the name of a file. */
export function stamp(time: { year: number; month: number; day: number; hour: number; minute: number; second: number }): string {
  const two = (value: number): string => String(value).padStart(2, "0");
  return `${time.year}${two(time.month)}${two(time.day)}-${two(time.hour)}${two(time.minute)}${two(time.second)}`;
}
