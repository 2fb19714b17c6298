/**
 * The page's address. Pure.
 *
 * `#/` the list, `#/7` a camera live, `#/7/1795…` at an instant (µs UTC); `#/wall/3,7,12` and `#/wall/3,7,12/1795…`; both
 * with `?take=1` where time was recorded more than once and not its last take is shown;
 * `#/find/7/1795…` a search that begins with a picture; `#/bookmarks`, `#/coverage`, `#/troubles`.
 */

/** The pages without an instant, each by its address. */
const PLAIN = { overview: "#/timeline", bookmarks: "#/bookmarks", coverage: "#/coverage", troubles: "#/troubles" } as const;

type Plain = keyof typeof PLAIN;

export interface Place {
  /** watch: the player with its list of cameras */
  page: "watch" | "wall" | "find" | Plain;
  channel: number | null;
  /** null: live */
  at_us: number | null;
  /** Of time that was recorded more than once, from 1; none: the last. */
  take?: number | null;
  /** wall: the cameras on it, in order */
  cameras?: readonly number[];
}

const WALL = /^#\/wall(?:\/(\d{1,6}(?:,\d{1,6}){0,15})(?:\/(\d{10,17})(?:\?take=([1-9]))?)?)?$/;
const FIND = /^#\/find\/(\d{1,6})\/(\d{10,17})$/;
const CAMERA = /^#\/(\d{1,6})(?:\/(\d{10,17})(?:\?take=([1-9]))?)?$/;

export function parse(hash: string): Place {
  const wall = WALL.exec(hash);
  if (wall) {
    const cameras = [...new Set((wall[1]?.split(",") ?? []).map(Number))];
    return { page: "wall", channel: null, at_us: instant(wall[2]), ...takeOf(wall[3]), cameras };
  }
  const find = FIND.exec(hash);
  if (find) return { page: "find", channel: Number(find[1]), at_us: instant(find[2]) };
  const found = CAMERA.exec(hash);
  if (found) return { page: "watch", channel: Number(found[1]), at_us: instant(found[2]), ...takeOf(found[3]) };
  const plain = (Object.keys(PLAIN) as Plain[]).find((page) => PLAIN[page] === hash);
  return { page: plain ?? "watch", channel: null, at_us: null };
}

function instant(text: string | undefined): number | null {
  return text === undefined ? null : Number(text);
}

function takeOf(text: string | undefined): Pick<Place, "take"> {
  return text === undefined ? {} : { take: Number(text) };
}

/** An instant and, of time that was recorded more than once, the take. */
function moment({ at_us, take }: Place): string {
  if (at_us === null) return "";
  return Math.round(at_us) + (take ? `?take=${take}` : "");
}

export function format(place: Place): string {
  if (place.page === "wall") {
    const cameras = (place.cameras ?? []).join(",");
    return ["#/wall", cameras, cameras && moment(place)].filter(Boolean).join("/");
  }
  if (place.page === "find") return `#/find/${place.channel ?? 0}/${Math.round(place.at_us ?? 0)}`;
  if (place.page !== "watch") return PLAIN[place.page];
  if (place.channel === null) return "#/";
  return [`#/${place.channel}`, moment(place)].filter(Boolean).join("/");
}
