/** Addresses for other players, and the small file that opens one of them in VLC by a double click. */

/** @param path as the server serves it; a player needs the whole address. */
export function wholeAddress(path: string, origin: string): string {
  return new URL(path, origin).href;
}

/** An M3U list of one stream (UTF-8, as VLC reads it). A title is one line and nothing else. */
export function m3u(title: string, address: string): string {
  return `#EXTM3U\n#EXTINF:-1,${title.replace(/\s+/g, " ").trim()}\n${address}\n`;
}

/** Whether an address leads to this very machine only. */
export function isLocal(hostname: string): boolean {
  return hostname === "localhost" || hostname.startsWith("127.") || hostname === "[::1]";
}
