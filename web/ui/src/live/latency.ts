/** How live stays live: how fast to play so that the picture is neither late nor in want of data. Pure. */

export type Step = { kind: "rate"; rate: number } | { kind: "jump"; to: number };

/** Media seconds buffered behind the shown picture that cost nothing: one fragment, and what two fragments may be late. */
const SPARE_S = 0.15;
const JUMP_S = 2.5; // chosen: beyond this catching up takes so long that a jump is kinder

/**
 * What to do after a fragment was appended.
 *
 * @param time where the picture is, @param end where the data ends, @param fragment length of the usual fragment (all s)
 */
export function keepUp(time: number, end: number, fragment: number): Step {
  const behind = end - time;
  const wanted = fragment + SPARE_S;
  if (behind > wanted + JUMP_S || behind < 0) return { kind: "jump", to: Math.max(0, end - wanted) };
  const surplus = behind - wanted;
  if (surplus > 0.6) return { kind: "rate", rate: 1.5 };
  if (surplus > 0.25) return { kind: "rate", rate: 1.1 };
  if (surplus > 0.08) return { kind: "rate", rate: 1.03 };
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
