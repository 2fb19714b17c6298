/**
 * The whole monitor. The page itself takes it, never a part of it: a browser shows nothing but what lies within the
 * element that has the monitor, and alarms must stay in sight.
 */

class Monitor {
  full = $state(document.fullscreenElement !== null);

  constructor() {
    document.addEventListener("fullscreenchange", () => (this.full = document.fullscreenElement !== null));
  }

  toggle(): void {
    if (this.full) this.leave();
    else this.enter();
  }

  /** Phones may refuse it: then the page goes on within its window. */
  enter(): void {
    document.documentElement.requestFullscreen?.().catch(() => undefined);
  }

  leave(): void {
    if (document.fullscreenElement) void document.exitFullscreen();
  }
}

export const monitor = new Monitor();
