/** Plays recorded footage from any instant: fragment table → byte ranges → MediaSource. */

import { ApiError, getBytes, getFragments } from "../api/client";
import type { Source } from "../api/types";
import { HOLE_US } from "../timeline/coverage";
import { MINUTE_US, SECOND_US } from "../time/units";
import type { PastEngine, Report, Step } from "./engine";
import { watchPictures } from "./pictures";
import { ahead, holding, jump } from "./ranges";
import { canPlay, Sink, SinkClosed } from "./sink";
import { steer } from "./steer";
import { type ChunkFacts, FragmentTable, type Hole, type Portion } from "./table";

const WINDOW_US = MINUTE_US; // of the table asked for at a time: some 10 kB
const FIRST_WINDOW_US = 10 * SECOND_US; // of many cameras at once: the fewer chunks are opened, the sooner all show something
const AT_FIRST = 1; // fragments beyond the wanted one that are fetched with it: half a second to start with
const AHEAD_S = 8; // buffered ahead at speed 1
const BEHIND_S = 20; // kept, so that "10 seconds back" is at once
const TICK_MS = 100;
const STARVED_S = 0.1; // less than this is left and nothing moves: the pictures end here
const PRESENT_US = 6 * SECOND_US; // footage that ends later than this before now is still growing
const LOST_S = 3; // of footage: data that far behind a common clock is not waited for
const CAUGHT_UP_S = 1; // less than this is left of what there is: play on live
const ASK_AGAIN_MS = 500; // at the end of a growing chunk: a fragment's length
const TRY_AGAIN_MS = 2_000;

export class Playback implements PastEngine {
  #sink: Sink | null = null;
  #table = new FragmentTable();
  #head = 0; // the next piece to append
  #begun: ChunkFacts | null = null;
  #cancel = new AbortController();
  #filling = false;
  #starting: AbortController | null = null; // its own seek comes last, so another one must take its place
  #left = false; // the pictures on the element are those of before a seek, and no longer told
  #exhausted = false; // the table's end is the end of all footage
  #ended = false; // what is buffered is followed by missing footage, or by nothing
  #notBefore = 0;
  #playing = false;
  #speed = 1;
  #inHole = true;
  #target_us = 0;
  #damaged = 0;
  #hole: Hole | null = null;
  #unwatch: () => void;
  readonly #timer: ReturnType<typeof setInterval>;

  constructor(
    private readonly video: HTMLVideoElement,
    private readonly source: Source,
    private readonly nowUs: () => number,
    private readonly report: Report,
    /** In step with other cameras: never alone over a gap. */
    private readonly step: Step | null = null,
  ) {
    this.#unwatch = watchPictures(video, (time) => this.#shown(time));
    this.#timer = setInterval(() => this.#tick(), TICK_MS);
  }

  seek(atUs: number): void {
    this.#target_us = atUs;
    this.#damaged = 0;
    const sink = this.#sink;
    if (sink && !this.#starting && !this.#inHole && sink.reaches(atUs) && holding(sink.buffered, sink.media(atUs))) {
      this.video.currentTime = sink.media(atUs);
      this.#resume();
      return;
    }
    void this.#start(atUs);
  }

  play(): void {
    this.#playing = true;
    this.#resume();
  }

  pause(): void {
    this.#playing = false;
    this.video.pause();
  }

  setSpeed(speed: number): void {
    this.#speed = speed;
    this.video.playbackRate = speed;
    this.video.defaultPlaybackRate = speed; // a new source starts with the default
  }

  dispose(): void {
    clearInterval(this.#timer);
    this.#cancel.abort();
    this.#unwatch();
    this.video.playbackRate = this.video.defaultPlaybackRate = 1;
    this.#sink?.dispose();
    this.#sink = null;
  }

  /** Begin anew at an instant: a fresh table, an empty buffer. The latest call wins. */
  async #start(atUs: number): Promise<void> {
    this.#cancel.abort();
    const cancel = (this.#cancel = this.#starting = new AbortController());
    this.#filling = true; // the old loop ends by its cancelled signal
    this.#exhausted = this.#ended = false;
    this.#left = true;
    this.report.loading();
    try {
      const table = new FragmentTable();
      const window = this.step ? FIRST_WINDOW_US : WINDOW_US;
      table.add(await getFragments(this.source, atUs, atUs + window, cancel.signal));
      this.#table = table;
      const index = table.indexAt(atUs);
      if (index === null) {
        this.#rest(table.hole(atUs));
      } else {
        await this.#show(table, index, atUs, cancel.signal);
      }
    } catch (error) {
      this.#failed(error, cancel.signal);
    } finally {
      if (this.#cancel === cancel) this.#filling = false;
      if (this.#starting === cancel) this.#starting = null;
    }
  }

  async #show(table: FragmentTable, index: number, atUs: number, signal: AbortSignal): Promise<void> {
    const piece = table.pieces[index]!;
    if (!canPlay(piece.chunk.codec)) {
      this.report.unsupported("codec");
      return;
    }
    const sink = this.#fresh(atUs);
    this.#head = table.syncBefore(index);
    this.#begun = null;
    this.#inHole = false;
    // Between two chunks the last picture of the first is held.
    const seen = Math.min(atUs, piece.to_us - 1000);
    while (this.#head <= index) await this.#appendNext(sink, signal, index + AT_FIRST);
    // Chromium drops all up to an IDR picture: of intra refresh, whose runs begin at recovery points, nothing is left.
    if (sink.buffered.length === 0) {
      this.report.unsupported("start");
      return;
    }
    this.video.currentTime = sink.media(seen);
    this.report.trouble(null);
    this.#resume();
  }

  /** An empty sink: a new one for each start is simpler than emptying the old, and costs 20 ms. */
  #fresh(atUs: number): Sink {
    this.#sink?.dispose();
    this.#sink = new Sink(this.video, atUs);
    this.#left = false;
    this.video.playbackRate = this.#speed;
    return this.#sink;
  }

  /** There is nothing to show: stand still until a person chooses. */
  #rest(hole: Hole): void {
    this.#inHole = true;
    this.#hole = hole;
    this.video.pause();
    this.report.trouble(null);
    this.report.hole(hole);
  }

  async #appendNext(sink: Sink, signal: AbortSignal, last = Infinity): Promise<boolean> {
    const portion = this.#table.portion(this.#head, last);
    if (!portion) return false;
    if (!canPlay(portion.chunk.codec)) {
      this.report.unsupported("codec");
      throw new SinkClosed();
    }
    await this.#appendPortion(sink, portion, signal);
    this.#head = portion.next;
    return true;
  }

  async #appendPortion(sink: Sink, portion: Portion, signal: AbortSignal): Promise<void> {
    const { chunk } = portion;
    const bytes = getBytes(chunk.media_url, [portion.offset, portion.end], signal);
    bytes.catch(() => undefined); // it is awaited below; the init may fail first
    if (this.#begun !== chunk) {
      // A second init segment would make the browser drop what follows up to the next sync sample.
      if (this.#begun?.init_url === chunk.init_url) await sink.goOn(chunk.start_us);
      else await sink.begin(chunk.codec, chunk.start_us, await getBytes(chunk.init_url, null, signal));
      this.#begun = chunk;
    }
    await sink.append(await bytes);
    signal.throwIfAborted();
  }

  async #fill(): Promise<void> {
    const sink = this.#sink;
    if (!sink || this.#filling || this.#inHole || performance.now() < this.#notBefore) return;
    this.#filling = true;
    const signal = this.#cancel.signal;
    try {
      const wanted = AHEAD_S * Math.max(1, this.#speed);
      while (ahead(sink.buffered, this.video.currentTime) < wanted && !signal.aborted && !this.#table.afterHole(this.#head)) {
        if (await this.#appendNext(sink, signal)) continue;
        this.#exhausted = !(await this.#more(signal));
        if (this.#exhausted) break;
      }
      if (this.#exhausted) this.#notBefore = performance.now() + ASK_AGAIN_MS;
      await this.#finish(sink);
      const old = this.video.currentTime - BEHIND_S;
      if ((sink.buffered[0]?.start ?? Infinity) < old - BEHIND_S) await sink.forget(0, old);
      this.report.trouble(null);
    } catch (error) {
      this.#failed(error, signal);
    } finally {
      if (signal === this.#cancel.signal) this.#filling = false;
    }
  }

  /** Where nothing follows for now, the decoder must give out its last pictures. */
  async #finish(sink: Sink): Promise<void> {
    if (this.#ended) return;
    const last = this.#table.pieces[this.#head - 1];
    const over = this.#exhausted && last !== undefined && this.nowUs() - last.to_us > PRESENT_US;
    if (!over && !this.#table.afterHole(this.#head)) return;
    this.#ended = true;
    await sink.end();
  }

  /** Lengthen the table; false where all footage ends. Asks from the last fragment on, so that a growing chunk is caught. */
  async #more(signal: AbortSignal): Promise<boolean> {
    const last = this.#table.pieces[this.#table.pieces.length - 1];
    const from = last ? last.from_us : this.#target_us;
    const answer = await getFragments(this.source, from, from + WINDOW_US, signal);
    if (this.#table.add(answer) > 0) return true;
    if (answer.next_us === null) return false;
    const beyond = await getFragments(this.source, answer.next_us, answer.next_us + WINDOW_US, signal);
    return this.#table.add(beyond) > 0;
  }

  #tick(): void {
    const sink = this.#sink;
    if (this.step && this.#inHole && this.#playing) this.#waitInHole(this.step);
    if (!sink || this.#inHole) return;
    if (this.video.error) {
      this.#skipDamage(sink);
      return;
    }
    if (this.step) this.#keepStep(sink, this.step);
    else this.#cross(sink);
    void this.#fill();
  }

  /** In step: the rate is nudged; far off it jumps; a gap is sat out. */
  #keepStep(sink: Sink, step: Step): void {
    if (!this.#playing || this.video.seeking) return;
    const due = step.dueUs(performance.now());
    const error = sink.wall(this.video.currentTime) - due;
    step.behind(Math.max(0, -error));
    if (this.#caughtUp(sink, this.video.currentTime)) {
      this.report.reachedNow();
    } else if (!holding(sink.buffered, sink.media(due))) {
      this.#outside(due, -error);
    } else {
      const steering = steer(error, step.speed);
      if (steering.kind === "rate") this.video.playbackRate = steering.rate;
      else this.video.currentTime = sink.media(due + steering.leadUs);
      this.#resume();
    }
  }

  /** What is due is not there: missing for good, or on its way. */
  #outside(dueUs: number, behindUs: number): void {
    if (this.#filling && behindUs < LOST_S * 1e6 * this.#speed) return;
    if (this.#table.indexAt(dueUs) !== null) {
      if (behindUs > LOST_S * 1e6 * this.#speed) void this.#start(dueUs + SECOND_US * this.#speed);
    } else if (this.#exhausted || this.#table.pieces.some((piece) => piece.from_us > dueUs)) {
      this.#rest(this.#table.hole(dueUs));
    } else if (behindUs > LOST_S * 1e6 * this.#speed) void this.#start(dueUs);
  }

  #waitInHole(step: Step): void {
    const due = step.dueUs(performance.now());
    step.behind(0);
    const to = this.#hole?.to_us ?? null;
    if (this.#filling || to === null || due < to) return;
    this.#inHole = false;
    void this.#start(due);
  }

  /** Where the pictures end: over the hole to the next ones, or to the present, or to rest. */
  #cross(sink: Sink): void {
    if (!this.#playing || this.video.seeking) return;
    const time = this.video.currentTime;
    if (this.#caughtUp(sink, time)) {
      this.report.reachedNow();
      return;
    }
    const here = holding(sink.buffered, time);
    const left = here ? here.end - time : 0;
    const starved = this.video.readyState < HTMLMediaElement.HAVE_FUTURE_DATA && left <= STARVED_S;
    if (!starved && !this.video.ended) return;
    const to = jump(sink.buffered, time, STARVED_S);
    if (to !== null) this.video.currentTime = to + 5e-6; // a hole too small to see
    else if (this.#table.afterHole(this.#head)) this.#leap();
    else if (this.#exhausted) this.#atTheEnd(sink.wall(here ? here.end : time));
  }

  /** All that there is was played, and what comes next is being recorded just now: that is live. */
  #caughtUp(sink: Sink, time: number): boolean {
    const all = sink.buffered;
    const end = all.at(-1)?.end;
    if (end === undefined || this.#table.portion(this.#head) || ahead(all, time) > CAUGHT_UP_S * Math.max(1, this.#speed)) return false;
    return this.nowUs() - sink.wall(end) < PRESENT_US;
  }

  #leap(): void {
    const [before, next] = [this.#table.pieces[this.#head - 1]!, this.#table.pieces[this.#head]!];
    const { gap } = this.#table.hole((before.to_us + next.from_us) / 2);
    this.report.skipped({ from_us: before.to_us, to_us: next.from_us, gap });
    void this.#start(next.from_us);
  }

  #atTheEnd(endUs: number): void {
    if (this.nowUs() - endUs > PRESENT_US && this.#table.next_us === null) this.#rest(this.#table.hole(endUs + HOLE_US));
  }

  /** Pictures that no decoder takes: say so, and go on a little later. */
  #skipDamage(sink: Sink): void {
    const at = sink.wall(this.video.currentTime);
    this.report.trouble({ kind: "damaged" });
    this.#damaged++;
    if (this.#damaged <= 5) void this.#start(at + this.#damaged * 2 * SECOND_US);
    else this.#rest({ from_us: at, to_us: null, gap: null });
  }

  #failed(error: unknown, signal: AbortSignal): void {
    if (signal.aborted || error instanceof SinkClosed) return;
    if (error instanceof ApiError && error.status === 404) {
      // The chunk went away under us (retention): the table is old.
      this.report.trouble({ kind: "server", message: error.message, hint: error.hint });
      this.#notBefore = performance.now() + TRY_AGAIN_MS;
      setTimeout(() => !signal.aborted && void this.#start(this.#target_us), TRY_AGAIN_MS);
      return;
    }
    if (error instanceof ApiError && !error.unreachable) {
      this.report.trouble({ kind: "server", message: error.message, hint: error.hint });
    } else if (error instanceof ApiError) {
      this.report.trouble({ kind: "unreachable" });
    } else {
      return; // a decoding error: the tick sees video.error
    }
    this.#notBefore = performance.now() + TRY_AGAIN_MS;
    if (!this.#begun) setTimeout(() => !signal.aborted && void this.#start(this.#target_us), TRY_AGAIN_MS);
  }

  #shown(mediaTime: number): void {
    const sink = this.#sink;
    if (!sink || this.#inHole || this.#left || !sink.reaches(sink.wall(mediaTime))) return;
    this.#target_us = sink.wall(mediaTime);
    this.report.picture(this.#target_us);
  }

  #resume(): void {
    if (!this.#playing || this.#inHole || !this.#sink) return;
    if (this.video.ended) return; // playing would begin at time 0; the tick goes across the hole
    this.video.play().catch(() => undefined); // interrupted by the next seek
  }
}
