/** How live stays live: how fast to play so that the picture is neither late nor in want of data. Pure. */

export type Step = { kind: "rate"; rate: number } | { kind: "jump"; to: number };

/** Media seconds kept in hand beyond one fragment: what a fragment may be late. */
export const SPARE_S = 0.12;
const JUMP_S = 2.5; // chosen: beyond this catching up takes so long that a jump is kinder
const JUMP_JOINING_S = 0.3; // nobody has looked for long: no harm in a jump

/**
 * What to do after a fragment was appended.
 *
 * @param time where the picture is, @param end where the data ends, @param fragment length of the usual fragment (all s)
 * @param joining live has only just begun
 */
export function keepUp(time: number, end: number, fragment: number, joining = false): Step {
  const wanted = fragment + SPARE_S;
  const surplus = end - time - wanted;
  if (surplus > (joining ? JUMP_JOINING_S : JUMP_S) || end < time) return { kind: "jump", to: Math.max(0, end - wanted) };
  if (surplus > 0.6) return { kind: "rate", rate: 1.5 };
  if (surplus > 0.25) return { kind: "rate", rate: 1.15 };
  if (surplus > 0.05) return { kind: "rate", rate: 1.05 };
  if (surplus < -0.06) return { kind: "rate", rate: 0.95 }; // gather a little, or every late fragment is a stop
  return { kind: "rate", rate: 1 };
}

/** A slowly forgetting maximum of what arrives: the usual length of a fragment. */
export function usualLength(before: number, latest: number): number {
  return latest > before ? latest : before + (latest - before) * 0.05;
}

/** Waiting time before the n-th try to connect again (n from 0), without jitter. */
export function retryMs(tries: number): number {
  return Math.min(500 * 2 ** tries, 5_000);
}
