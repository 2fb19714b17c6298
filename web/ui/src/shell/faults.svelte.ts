/** What broke in this page itself: one place that all of it goes to, so that nothing breaks in silence. */

const BENIGN = /^ResizeObserver loop/; // Chromium's word for "the next frame will do": nothing is lost

class Faults {
  /** What broke last, in the words of the program; empty: nothing did. */
  last = $state("");
  /** How often something broke since somebody looked. */
  count = $state(0);

  note(error: unknown): void {
    const text = told(error);
    if (text === null) return;
    this.last = text;
    this.count++;
    console.warn("a part of the page broke:", error);
  }

  /** Do what concerns the whole page, so that its failing costs no more than itself. */
  guard(act: () => void): void {
    try {
      act();
    } catch (error) {
      this.note(error);
    }
  }

  dismiss(): void {
    this.last = "";
    this.count = 0;
  }

  /** What no part caught: errors in handlers and timers, promises that nobody waits for. */
  listen(): () => void {
    const onerror = (event: ErrorEvent): void => this.note(event.error ?? event.message);
    const onrejection = (event: PromiseRejectionEvent): void => this.note(event.reason);
    addEventListener("error", onerror);
    addEventListener("unhandledrejection", onrejection);
    return () => {
      removeEventListener("error", onerror);
      removeEventListener("unhandledrejection", onrejection);
    };
  }
}

/** Null for what is no fault: a request or a playing that was given up on purpose. */
function told(error: unknown): string | null {
  if (error instanceof DOMException && error.name === "AbortError") return null;
  const text = error instanceof Error ? `${error.name}: ${error.message}` : String(error);
  return BENIGN.test(text) ? null : text;
}

export const faults = new Faults();
