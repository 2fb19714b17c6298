/** Light or dark: as the computer says, unless a person chose. */

export const THEMES = ["auto", "light", "dark"] as const;
export type ThemeName = (typeof THEMES)[number];

const KEY = "nvr.theme";
const prefersDark = matchMedia("(prefers-color-scheme: dark)");

function remembered(): ThemeName {
  const saved = localStorage.getItem(KEY);
  return THEMES.find((theme) => theme === saved) ?? "auto";
}

class Theme {
  choice = $state<ThemeName>(remembered());
  /** What is really shown; canvases draw themselves anew when it changes. */
  shown = $state<"light" | "dark">("dark");

  constructor() {
    this.#apply();
    prefersDark.addEventListener("change", () => this.#apply());
  }

  choose(theme: ThemeName): void {
    this.choice = theme;
    localStorage.setItem(KEY, theme);
    this.#apply();
  }

  #apply(): void {
    this.shown = this.choice === "auto" ? (prefersDark.matches ? "dark" : "light") : this.choice;
    document.documentElement.dataset["theme"] = this.shown;
  }
}

export const theme = new Theme();
