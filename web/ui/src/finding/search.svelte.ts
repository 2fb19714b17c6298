/** The search for the instant of a change, or for motion: what was asked, how far it has come, what it found. Kept while one looks at it. */

import { searchUrl } from "../api/client";
import type { BisectFinding, BisectMessage, BisectProgress, Channel, MotionEnd, MotionMessage, MotionProgress, MotionStretch, KindWord } from "../api/types";
import { clock } from "../time/clock.svelte";
import { DAY_US } from "../time/units";
import { type Box, FIRST } from "./box";

/** appeared: it is on the picture, and was not before. vanished: it is on the picture, and is not later.
 * moved: something came, went or passed before. */
export type Question = "appeared" | "vanished" | "moved";

const AFTER_US = 1; // windows are half open, and the picture belongs to it

class Search {
  channel = $state.raw<Channel | null>(null);
  track = $state<KindWord>("main");
  /** Of the picture that the box is drawn on. */
  at_us = $state(0);
  box = $state.raw<Box>(FIRST);
  /** A person has drawn the box; before, it only stands there for the keys. */
  drawn = $state(false);
  question = $state<Question>("appeared");
  from_us = $state(0);
  to_us = $state(0);
  steps = $state.raw<readonly BisectProgress[]>([]);
  finding = $state.raw<BisectFinding | null>(null);
  /** Of a search for motion: where it is, what it found, and that it is done. */
  looking = $state.raw<MotionProgress | null>(null);
  stretches = $state.raw<readonly MotionStretch[]>([]);
  end = $state.raw<MotionEnd | null>(null);
  /** Why there is no finding; empty: there is one, or will be. */
  problem = $state("");
  running = $state(false);
  /** Counts the questions, so that what was half typed for one is not taken for the next. */
  asked = $state(0);
  #socket: WebSocket | null = null;

  /** Begin with a picture. One that is here already keeps its box and its finding. */
  open(channel: Channel, track: KindWord, atUs: number): void {
    if (this.channel?.number === channel.number && this.at_us === atUs) return;
    if (this.channel?.number !== channel.number) {
      this.box = FIRST;
      this.drawn = false;
    }
    this.channel = channel;
    this.track = track;
    this.at_us = atUs;
    this.ask("appeared", DAY_US);
  }

  /** Ask about so much time before the picture, or behind it. */
  ask(question: Question, spanUs: number): void {
    this.forget();
    this.asked++;
    this.question = question;
    const before = question !== "vanished";
    this.from_us = before ? Math.max(this.at_us + AFTER_US - spanUs, this.channel?.first_us ?? 0) : this.at_us;
    this.to_us = before ? this.at_us + AFTER_US : Math.min(this.at_us + spanUs, clock.nowUs());
  }

  draw(box: Box): void {
    this.forget();
    this.box = box;
    this.drawn = true;
  }

  /** Why it cannot begin: the two instants are in the wrong order, or too far apart. */
  get wrong(): "order" | "far" | null {
    if (this.to_us <= this.from_us) return "order";
    return this.to_us - this.from_us > (this.question === "moved" ? LONGEST_MOTION_US : LONGEST_US) ? "far" : null;
  }

  start(): void {
    this.forget();
    if (!this.channel || this.wrong) return;
    const kind = this.question === "moved" ? "motion" : "bisect";
    const socket = new WebSocket(searchUrl(kind, this.channel.number, this.track, this.from_us, this.to_us, this.box));
    this.#socket = socket;
    this.running = true;
    socket.onmessage = (event: MessageEvent<string>) => {
      if (socket === this.#socket) this.#heard(JSON.parse(event.data) as BisectMessage | MotionMessage);
    };
    socket.onclose = () => {
      if (socket !== this.#socket) return;
      this.running = false;
      if (!this.finding && !this.end && !this.problem) this.problem = "unreachable";
    };
  }

  /** Stop searching, and keep nothing of it. */
  forget(): void {
    const socket = this.#socket;
    this.#socket = null;
    socket?.close();
    this.running = false;
    this.steps = [];
    this.finding = this.looking = this.end = null;
    this.stretches = [];
    this.problem = "";
  }

  #heard(message: BisectMessage | MotionMessage): void {
    if ("error" in message) {
      this.problem = message.hint ? `${message.error} – ${message.hint}` : message.error;
      return;
    }
    switch (message.type) {
      case "progress":
        if ("planned" in message) this.looking = message;
        else this.steps = [...this.steps, message];
        return;
      case "stretch":
        this.stretches = [...this.stretches, message];
        return;
      case "finding":
        this.finding = message;
        return;
      case "end":
        this.end = message;
    }
  }
}

export const LONGEST_US = 40 * DAY_US; // the server's limit
export const LONGEST_MOTION_US = DAY_US; // the same

export const search = new Search();
