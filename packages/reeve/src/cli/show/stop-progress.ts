import type { Progress as Push } from '@reeve/contract';
import { after, type Timer } from '@reeve/host';
import { type Context, say } from '../context.ts';
import { humanDuration } from '../terminal/amounts.ts';
import { displayWidth } from '../terminal/display-width.ts';
import { LiveLines, withinRoom } from '../terminal/live-lines.ts';
import { oneLine } from '../terminal/safe-text.ts';
import { lookOf } from '../terminal/style.ts';

/** Where lines cannot change: how long nothing is said, and how often it is then. Milliseconds. */
const QUIET = 2_000;
const EVERY = 5_000;

/** How a stop gets on: on a terminal lines that change, elsewhere now and then a line of what it still waits for. */
export class StopProgress implements Disposable {
  readonly #context: Context;
  readonly #began = performance.now();
  readonly #left = new Map<string, Push>();
  readonly #live: LiveLines;
  #timer: Timer | null;

  constructor(context: Context) {
    this.#context = context;
    this.#live = new LiveLines(context.io.err, context.talk, (room) =>
      context.json ? [] : withinRoom(this.#lines(), room),
    );
    this.#timer = context.json || context.talk.rich ? null : after(QUIET, () => this.#tell()).unref();
  }

  note(push: Push): void {
    const isOver = push.state === 'stopped' || push.state === 'completed' || push.state === 'failed';
    if (isOver && push.reason === null) this.#left.delete(push.service);
    else this.#left.set(push.service, push);
    this.#live.draw();
  }

  [Symbol.dispose](): void {
    if (this.#timer) this.#timer.cancel();
    this.#timer = null;
    this.#live[Symbol.dispose]();
  }

  #lines(): readonly string[] {
    const look = lookOf('stopping', 'unknown');
    const mark = this.#context.talk.unicode ? look.glyph : look.ascii;
    const width = Math.max(0, ...[...this.#left.keys()].map(displayWidth));
    const lines = [...this.#left.values()].map(({ service, state, reason }) =>
      `  ${service.padEnd(width)}  ${reason === null ? state : oneLine(reason)}`.trimEnd(),
    );
    return [`${mark} stopping ${this.#since}`, ...lines];
  }

  #tell(): void {
    const left = [...this.#left.values()].map(({ service, state, reason }) => `${service} ${reason ?? state}`);
    if (left.length > 0) say(this.#context, `still stopping after ${this.#since}: ${oneLine(left.join('; '))}`);
    this.#timer = after(EVERY, () => this.#tell()).unref();
  }

  get #since(): string {
    return humanDuration(performance.now() - this.#began);
  }
}
