/** The page's address: `#/coverage`, `#/troubles`, `#/`, `#/7` (live) and `#/7/2026-11-23T20:31:05+07:00`-like instants as `#/7/1795…` (µs UTC). Pure. */

export interface Place {
  /** watch: the player with its list of cameras */
  page: "watch" | "coverage" | "troubles";
  channel: number | null;
  /** null: live */
  at_us: number | null;
}

const PAGES = { coverage: "#/coverage", troubles: "#/troubles" } as const;

export function parse(hash: string): Place {
  const found = /^#\/(\d{1,6})(?:\/(\d{10,17}))?$/.exec(hash);
  if (!found) {
    const page = hash === PAGES.coverage ? "coverage" : hash === PAGES.troubles ? "troubles" : "watch";
    return { page, channel: null, at_us: null };
  }
  return { page: "watch", channel: Number(found[1]), at_us: found[2] === undefined ? null : Number(found[2]) };
}

export function format(place: Place): string {
  if (place.page !== "watch") return PAGES[place.page];
  if (place.channel === null) return "#/";
  return place.at_us === null ? `#/${place.channel}` : `#/${place.channel}/${Math.round(place.at_us)}`;
}
