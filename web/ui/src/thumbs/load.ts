/** Loads pictures one behind the other in a few lanes, so that a strip never crowds out the player, and stops when told. */

export const LANES = 2; // the server decodes two pictures at once

/**
 * @param urls of the pictures, the most wanted first.
 * @param fetchOne gets one; rejects when it cannot, or when `signal` says that nobody wants it any more.
 * @param put takes each as it comes; null: it could not be had. Never called after `signal`.
 */
export async function loadAll<T>(
  urls: readonly string[],
  fetchOne: (url: string, signal: AbortSignal) => Promise<T>,
  put: (url: string, picture: T | null) => void,
  signal: AbortSignal,
  lanes = LANES,
): Promise<void> {
  let next = 0;
  const lane = async (): Promise<void> => {
    while (next < urls.length && !signal.aborted) {
      const url = urls[next++]!;
      const picture = await fetchOne(url, signal).catch(() => null);
      if (!signal.aborted) put(url, picture);
    }
  };
  await Promise.all(Array.from({ length: lanes }, lane));
}

/** Rows by their distance from an instant: what one looks at comes first. */
export function nearestFirst<T extends { at_us: number }>(rows: readonly T[], instantUs: number): T[] {
  return [...rows].sort((a, b) => Math.abs(a.at_us - instantUs) - Math.abs(b.at_us - instantUs));
}
