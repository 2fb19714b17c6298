/** Keys of the whole page. Letters go by their place on the keyboard, so that a Vietnamese input method does not eat them. */

export type Command =
  | "toggle"
  | "reverse"
  | "back10"
  | "forward10"
  | "backMinute"
  | "forwardMinute"
  | "frameBack"
  | "frameForward"
  | "slower"
  | "faster"
  | "live"
  | "gapBefore"
  | "gapAfter"
  | "activityBefore"
  | "activityAfter"
  | "zoomOut"
  | "zoomIn"
  | "panBack"
  | "panForward"
  | "cameraBefore"
  | "cameraAfter"
  | "search"
  | "goTo"
  | "calendar"
  | "markIn"
  | "markOut"
  | "find"
  | "bookmark"
  | "bookmarkBefore"
  | "bookmarkAfter"
  | "fullscreen"
  | "thumbs"
  | "fullscreenOne"
  | "snapshot"
  | "pictureIn"
  | "pictureOut"
  | "pictureWhole"
  | "pictureLeft"
  | "pictureRight"
  | "pictureUp"
  | "pictureDown"
  | "help";

export interface Press {
  key: string;
  code: string;
  shiftKey: boolean;
  altKey: boolean;
  ctrlKey: boolean;
  metaKey: boolean;
}

const BY_KEY: Record<string, Command> = {
  " ": "toggle",
  ",": "frameBack",
  ".": "frameForward",
  "<": "slower",
  ">": "faster",
  "[": "gapBefore",
  "]": "gapAfter",
  "{": "bookmarkBefore",
  "}": "bookmarkAfter",
  "-": "zoomOut",
  _: "zoomOut",
  "+": "zoomIn",
  "=": "zoomIn",
  "/": "search",
  "?": "help",
  ArrowUp: "cameraBefore",
  ArrowDown: "cameraAfter",
};

const BY_CODE: Record<string, Command> = {
  KeyJ: "reverse",
  KeyK: "toggle",
  KeyS: "slower",
  KeyD: "faster",
  KeyL: "live",
  KeyG: "goTo",
  KeyC: "calendar",
  KeyV: "activityBefore",
  KeyN: "activityAfter",
  KeyI: "markIn",
  KeyO: "markOut",
  KeyB: "bookmark",
  KeyQ: "find",
  KeyF: "fullscreen",
  KeyT: "thumbs",
  KeyP: "snapshot",
  KeyZ: "pictureIn",
  KeyX: "pictureOut",
  Digit0: "pictureWhole",
  Escape: "pictureWhole",
};

const MOVES: Record<string, Command> = {
  ArrowLeft: "pictureLeft",
  ArrowRight: "pictureRight",
  ArrowUp: "pictureUp",
  ArrowDown: "pictureDown",
};

/** What a key means, or null: then it is the browser's. */
export function commandOf(press: Press): Command | null {
  if (press.ctrlKey || press.metaKey) return null;
  if (press.altKey && press.shiftKey) return MOVES[press.key] ?? null;
  const back = press.key === "ArrowLeft";
  if (back || press.key === "ArrowRight") {
    if (press.altKey) return back ? "panBack" : "panForward";
    if (press.shiftKey) return back ? "backMinute" : "forwardMinute";
    return back ? "back10" : "forward10";
  }
  if (press.altKey) return null;
  if (press.shiftKey && press.code === "KeyF") return "fullscreenOne";
  return BY_KEY[press.key] ?? BY_CODE[press.code] ?? null;
}

/** Whether an element wants its keys for itself. */
export function takesKeys(tag: string, command: Command): boolean {
  if (tag === "INPUT" || tag === "TEXTAREA" || tag === "SELECT") return true;
  return (tag === "BUTTON" || tag === "A" || tag === "SUMMARY") && command === "toggle";
}
