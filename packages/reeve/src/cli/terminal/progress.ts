import type { Progress as Push, Waited, WaitedService } from '@reeve/contract';
import type { Context } from '../context.ts';
import { humanDuration } from './amounts.ts';
import { displayWidth } from './display-width.ts';
import { LiveLines, withinRoom } from './live-lines.ts';
import { oneLine } from './safe-text.ts';
import { glyph, lookOf } from './style.ts';

/** So many services are shown one by one; of more only what is not as it should be. */
const FEW = 30;

interface Step {
  readonly state: Push['state'];
  readonly ready: boolean;
  readonly reason: string | null;
  readonly at: number;
}

/** `running` without being ready is one moment on the way from `starting`. */
function isNews(before: Step | undefined, step: Step): boolean {
  if (before?.state === step.state && before.ready === step.ready) return false;
  return step.state !== 'running' || step.ready || before?.ready === true;
}

/**
 * How services get on, while a command waits for them: on a terminal lines that change, elsewhere a plain line whenever
 * one of them is somewhere new. Dispose it before printing the result.
 */
export class Progress implements Disposable {
  readonly #context: Context;
  readonly #names: readonly string[];
  readonly #began = performance.now();
  readonly #steps = new Map<string, Step>();
  readonly #manner: Manner;
  readonly #live: LiveLines | null;
  #counted = 0;

  /** `asksOnly`: a command whose exit code is its answer; its steps are shown on a terminal and nowhere else. */
  constructor(context: Context, names: readonly string[], asksOnly: boolean) {
    this.#context = context;
    this.#names = names;
    this.#manner = asksOnly && mannerOf(context) === 'lines' ? 'silent' : mannerOf(context);
    this.#live =
      this.#manner === 'live' ? new LiveLines(context.io.err, context.talk, (room) => this.#lines(room)) : null;
  }

  note(push: Push): void {
    const before = this.#steps.get(push.service);
    const step = { state: push.state, ready: push.ready, reason: push.reason, at: performance.now() - this.#began };
    this.#steps.set(push.service, step);
    this.#live?.draw();
    if (this.#manner !== 'lines' || !isNews(before, step)) return;
    const isLong = this.#names.length > FEW;
    if (!isLong || step.state === 'failed') this.#context.io.out.write(`${this.#plain(push.service, step)}\n`);
    else if (step.ready && !before?.ready) this.#count();
  }

  /** Of many services each tenth part is worth a line. */
  #count(): void {
    const [all, up] = [this.#names.length, this.#up];
    const tenth = Math.floor((10 * up) / all);
    if (up === all || tenth <= this.#counted) return;
    this.#counted = tenth;
    this.#context.io.out.write(`${up} of ${all} up ${humanDuration(performance.now() - this.#began)}\n`);
  }

  get #up(): number {
    return this.#names.filter((name) => this.#steps.get(name)?.ready).length;
  }

  #plain(name: string, { state, ready, reason, at }: Step): string {
    const word = ready && state === 'running' ? 'ready' : state;
    return `${name} ${word} ${humanDuration(at)}${reason === null ? '' : `: ${oneLine(reason)}`}`;
  }

  /** All of them; where there are too many those that are not ready yet, what failed first, and how many are. */
  #lines(room: number): readonly string[] {
    const width = Math.max(0, ...this.#names.map(displayWidth));
    const now = performance.now() - this.#began;
    if (this.#names.length <= room) return this.#names.map((name) => this.#line(name, width, now));
    const isFailed = (name: string): boolean => this.#steps.get(name)?.state === 'failed';
    const left = this.#names.filter((name) => !this.#steps.get(name)?.ready);
    const sorted = [...left.filter(isFailed), ...left.filter((name) => !isFailed(name))];
    const lines = sorted.map((name) => this.#line(name, width, now));
    return [
      ...withinRoom(lines, room - 1),
      `  ${this.#names.length - left.length} of ${this.#names.length} up  ${humanDuration(now)}`,
    ];
  }

  #line(name: string, width: number, now: number): string {
    const { talk } = this.#context;
    const step = this.#steps.get(name);
    const look = lookOf(step?.state ?? 'waiting', 'unknown');
    const isOver = step !== undefined && (step.ready || step.state === 'failed');
    const word = step?.ready && step.state === 'running' ? 'ready' : (step?.state ?? 'accepted');
    const time = humanDuration(isOver ? step.at : now);
    const reason = step?.reason ? oneLine(step.reason) : '';
    return `  ${talk.unicode ? look.glyph : look.ascii} ${name.padEnd(width)}  ${word.padEnd(9)}  ${time}   ${reason}`.trimEnd();
  }

  /** When each got where it is, since the command began to wait: the daemon tells only how long all of it took. */
  timed(waited: Waited): Waited {
    const services = waited.services.map((service) => {
      const step = this.#steps.get(service.name);
      if (!step) return service;
      return { ...service, ms: Math.round(service.outcome === 'pending' ? performance.now() - this.#began : step.at) };
    });
    return { ...waited, services };
  }

  /** How far it was stays on the screen. */
  keep(): void {
    this.#live?.keep();
  }

  [Symbol.dispose](): void {
    this.#live?.[Symbol.dispose]();
  }
}

/**
 * `live`: lines on the terminal that vanish before the result. `lines`: the steps are the result's first part, on
 * standard output. `silent`: only the result, or --verbose tells the steps itself.
 */
type Manner = 'live' | 'lines' | 'silent';
function mannerOf({ json, verbose, talk, style }: Context): Manner {
  if (json || verbose) return 'silent';
  return talk.rich ? 'live' : style.rich ? 'silent' : 'lines';
}

/** The last word on each service and on all of them. */
export function renderWaited(context: Context, waited: Waited, ms: number, extra: ReadonlyMap<string, string>): string {
  const { style } = context;
  const isLong = waited.services.length > FEW;
  const notable = isLong ? waited.services.filter(({ outcome }) => outcome !== 'met') : waited.services;
  const nameWidth = Math.max(0, ...notable.map(({ name }) => displayWidth(name)));
  // The steps have been shown one by one.
  const left = mannerOf(context) === 'lines' && !isLong ? [] : notable;
  const lines = left.map((service) => {
    const good = service.outcome === 'met';
    const mark = glyph(style, good ? 'ok' : service.outcome === 'pending' ? 'none' : 'bad');
    const colour = good ? 'green' : service.outcome === 'pending' ? 'yellow' : 'red';
    const note = service.reason === null ? (extra.get(service.name) ?? '') : oneLine(service.reason);
    const cells = [service.name.padEnd(nameWidth), wordOf(service).padEnd(9), humanDuration(service.ms), note];
    return style.rich
      ? `  ${style.paint(colour, mark)} ${cells.join('  ')}`.trimEnd()
      : [service.name, wordOf(service), humanDuration(service.ms), note].filter(Boolean).join(' ');
  });
  return `${[...lines, summary(waited, ms, glyph(style, 'dash'))].join('\n')}\n`;
}

export function wordOf({ outcome, state }: WaitedService): string {
  if (outcome === 'met') return state === 'running' ? 'ready' : state;
  if (outcome === 'conflict') return 'conflict';
  return state;
}

/** `4 of 5 up in 4.6s — 1 failed` */
export function summary({ services, outcome }: Waited, ms: number, dash: string): string {
  const up = services.filter((service) => service.outcome === 'met').length;
  const sum = (what: WaitedService['outcome'], word: string): string[] => {
    const amount = services.filter((service) => service.outcome === what).length;
    return amount === 0 ? [] : [`${amount} ${word}`];
  };
  const bad = [
    ...sum('failed', 'failed'),
    ...sum('conflict', 'in conflict'),
    ...sum('blocked', 'blocked'),
    ...sum('pending', 'not ready'),
  ];
  const time = `${outcome === 'timeout' ? 'after' : 'in'} ${humanDuration(ms)}`;
  return `${up} of ${services.length} up ${time}${bad.length > 0 ? ` ${dash} ${bad.join(', ')}` : ''}`;
}

/** What to do about those that are not up: talk. */
export function adviceFor(waited: Waited): readonly string[] {
  const bad = waited.services.filter((service) => service.outcome !== 'met');
  const first = bad.find(({ outcome }) => outcome === 'failed' || outcome === 'conflict') ?? bad[0];
  if (!first) return [];
  const more = `More: reeve why ${first.name}`;
  if (waited.outcome === 'timeout') {
    const names = bad.filter(({ outcome }) => outcome === 'pending').map(({ name }) => name);
    const verb = names.length === 1 ? 'is' : 'are';
    return [
      `${names.join(', ')} ${verb} not ready yet; nothing was stopped, and the start continues.`,
      `Fix: allow more time with --timeout    ${more}`,
    ];
  }
  const isUnfinished = first.reason?.startsWith('stop incomplete') ?? false;
  const fix = isUnfinished
    ? `kill what its last stop left running: reeve stop --force ${first.name}`
    : first.outcome === 'conflict'
      ? 'stop the holder, change the port in the config, or let reeve choose with `auto`'
      : `reeve logs ${first.name}`;
  return [`Fix: ${fix}    ${more}`];
}

/** Exit code of a start. Source: DESIGN.md: 5 only when nothing but conflicts stood in the way. */
export function exitOfStart({ outcome, services }: Waited): number {
  if (outcome === 'met') return 0;
  if (outcome === 'timeout') return 8;
  const bad = services.filter((service) => service.outcome !== 'met' && service.outcome !== 'blocked');
  return bad.length > 0 && bad.every((service) => service.outcome === 'conflict') ? 5 : 1;
}
