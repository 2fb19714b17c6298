/** The language of the page: Vietnamese unless a person chose otherwise. Changing it needs no reload. */

import { baseLocale, isLocale, type Locale, overwriteGetLocale } from "../paraglide/runtime";

const KEY = "nvr.language";

function remembered(): Locale {
  const saved = localStorage.getItem(KEY);
  return isLocale(saved) ? saved : baseLocale;
}

class Language {
  #current = $state<Locale>(remembered());

  constructor() {
    // Messages ask this at every call, so a template that shows one is drawn anew when the language changes.
    overwriteGetLocale(() => this.#current);
    document.documentElement.lang = this.#current;
  }

  get current(): Locale {
    return this.#current;
  }

  choose(locale: Locale): void {
    this.#current = locale;
    localStorage.setItem(KEY, locale);
    document.documentElement.lang = locale;
  }
}

export const language = new Language();
