/** Pours an answer into a file while it comes, and counts. */

export interface Poured {
  done: number;
  total: number | null; // null: the server did not say
}

export interface Sink {
  write(data: Uint8Array<ArrayBuffer>): Promise<void>;
  close(): Promise<void>;
  abort(reason?: unknown): Promise<void>;
}

/**
 * @param response whose body goes into `sink`; a file that is not whole is never closed, so that it does not look whole.
 * @param tell is called after each piece.
 */
export async function pour(response: Response, sink: Sink, tell: (progress: Poured) => void): Promise<void> {
  const length = response.headers.get("Content-Length");
  const total = length === null ? null : Number(length);
  let done = 0;
  try {
    const reader = response.body!.getReader();
    for (let piece = await reader.read(); !piece.done; piece = await reader.read()) {
      await sink.write(piece.value);
      done += piece.value.byteLength;
      tell({ done, total });
    }
    if (total !== null && done !== total) throw new Error(`${done} of ${total} bytes came`);
    await sink.close();
  } catch (error) {
    await sink.abort(error).catch(() => undefined);
    throw error;
  }
}

/** How many microseconds are still to come at the speed so far; null: nobody can tell yet. */
export function remainingUs({ done, total }: Poured, elapsedMs: number): number | null {
  if (total === null || done === 0 || elapsedMs < 1000) return null;
  return ((total - done) / done) * elapsedMs * 1000;
}

/** Whole percent, 100 only when all is there. */
export function percentOf({ done, total }: Poured): number {
  if (!total) return 0;
  return done >= total ? 100 : Math.min(99, Math.floor((100 * done) / total));
}
