import { constants } from 'node:os';
import { allow, limitTheEnd } from './end-limit.ts';
import { report, stackOf } from './report.ts';
import { type HandlerOutcome, type ShutdownReason, ShutdownStack } from './shutdown.ts';

const SIGNALS: readonly NodeJS.Signals[] =
  process.platform === 'win32' ? ['SIGTERM', 'SIGINT', 'SIGHUP', 'SIGBREAK'] : ['SIGTERM', 'SIGINT', 'SIGHUP'];

/**
 * The end of this program, of which there is one: also when the package is loaded twice, as a module and as CommonJS.
 */
interface ProgramEnd {
  readonly stack: ShutdownStack;
  /** What a SIGHUP does instead of ending the program. */
  readonly reloads: Set<() => Promise<void>>;
  /** Removes the listeners; null: not listening. */
  stopListening: (() => void) | null;
  ending: Promise<void> | null;
  /** Errors that came while the program was ending. */
  lateErrors: number;
}

/** How long a report, and at the very end the listeners of others, may hold up the end. Milliseconds. */
const STEP = 3000;
/** So many errors are shown while the program ends. */
const LATE_ERRORS = 10;

const KEY = Symbol.for('@reeve/sdk program end 1');

export function programEnd(): ProgramEnd {
  const place = globalThis as { [KEY]?: ProgramEnd | undefined };
  place[KEY] ??= { stack: new ShutdownStack(), reloads: new Set(), stopListening: null, ending: null, lateErrors: 0 };
  return place[KEY];
}

/**
 * From now on the handlers are run at SIGTERM, SIGINT and SIGHUP (Windows: also SIGBREAK), at an uncaught error, when
 * nothing is left to do, and, as far as they are synchronous, after `process.exit()`. Then the program ends: with
 * `process.exitCode`, else 0, or 1 when a handler failed or an error was not caught. A second SIGINT ends it at once
 * (130). Returns what takes the listeners away. Calling it again changes nothing.
 */
export function listenForTheEnd(): () => void {
  const end = programEnd();
  end.stopListening ??= addListeners();
  return end.stopListening;
}

/**
 * Runs all handlers, then ends the program. Once: later calls wait for the first. Every step has a limit, and the
 * program ends by SIGKILL when one exceeds it and cannot be cut short.
 */
export function endProgram(reason: ShutdownReason, timeout: number | null = null): Promise<void> {
  const end = programEnd();
  if (end.ending === null) limitTheEnd(STEP);
  end.ending ??= end.stack.execute(reason, timeout).then((outcomes) => leave(exitCode(reason, outcomes)));
  return end.ending;
}

/** Shows `message`, runs all handlers and ends the program with `code`. */
export function failProgram(error: unknown, code: number, message: string): Promise<void> {
  limitTheEnd(STEP); // the report may be what hangs
  process.exitCode = code;
  report(message);
  return endProgram(code === 0 ? { kind: 'request', reason: null } : { kind: 'uncaught', error });
}

/** A listener of 'exit' that throws would keep the program alive. */
function leave(code: number): never {
  allow(STEP);
  try {
    process.exit(code);
  } catch (error) {
    report(`Uncaught ${stackOf(error)}`);
    process.exit(code === 0 ? 1 : code);
  }
}

function exitCode(reason: ShutdownReason, outcomes: readonly HandlerOutcome[]): number {
  const own = Number(process.exitCode ?? 0);
  if (reason.kind === 'uncaught') return own || 1;
  return own === 0 && outcomes.some(({ ok }) => !ok) ? 1 : own;
}

function addListeners(): () => void {
  const onSignal = (signal: NodeJS.Signals): void => takeSignal(signal);
  const onError = (error: unknown): void => takeError(error);
  const onIdle = (): void => {
    if (programEnd().stack.size > 0) void endProgram({ kind: 'exit', final: false });
  };
  const onExit = (): void => {
    if (programEnd().stack.size === 0) return;
    limitTheEnd(STEP);
    programEnd().stack.executeNow({ kind: 'exit', final: true });
    allow(STEP);
  };
  for (const signal of SIGNALS) process.on(signal, onSignal);
  process.on('uncaughtException', onError);
  process.on('beforeExit', onIdle);
  process.on('exit', onExit);
  return () => {
    for (const signal of SIGNALS) process.off(signal, onSignal);
    process.off('uncaughtException', onError);
    process.off('beforeExit', onIdle);
    process.off('exit', onExit);
    programEnd().stopListening = null;
  };
}

function takeSignal(signal: NodeJS.Signals): void {
  const { reloads, ending } = programEnd();
  if (signal === 'SIGHUP' && reloads.size > 0 && !ending) {
    for (const reload of reloads) void reload();
    return;
  }
  if (ending && signal === 'SIGINT') leave(128 + constants.signals.SIGINT);
  void endProgram({ kind: 'signal', signal });
}

/**
 * Where the program listens itself it has decided to live on, or ends in its own way. What is thrown while it ends
 * changes nothing any more: the handlers that are left have their turn.
 */
function takeError(error: unknown): void {
  if (process.listenerCount('uncaughtException') > 1) return;
  const end = programEnd();
  if (end.ending !== null && ++end.lateErrors > LATE_ERRORS) return;
  if (end.ending === null) limitTheEnd(STEP); // the report may be what hangs
  report(`Uncaught ${stackOf(error)}`);
  void endProgram({ kind: 'uncaught', error });
}
