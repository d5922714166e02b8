import { constants } from 'node:os';
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
}
const KEY = Symbol.for('@reeve/sdk program end 1');

export function programEnd(): ProgramEnd {
  const place = globalThis as { [KEY]?: ProgramEnd | undefined };
  place[KEY] ??= { stack: new ShutdownStack(), reloads: new Set(), stopListening: null, ending: null };
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

/** Runs all handlers, then ends the program. Once: later calls wait for the first. */
export function endProgram(reason: ShutdownReason, timeout: number | null = null): Promise<void> {
  const end = programEnd();
  end.ending ??= end.stack.execute(reason, timeout).then((outcomes) => process.exit(exitCode(reason, outcomes)));
  return end.ending;
}

function exitCode(reason: ShutdownReason, outcomes: readonly HandlerOutcome[]): number {
  if (reason.kind === 'uncaught') return 1;
  const own = Number(process.exitCode ?? 0);
  return own === 0 && outcomes.some(({ ok }) => !ok) ? 1 : own;
}

function addListeners(): () => void {
  const onSignal = (signal: NodeJS.Signals): void => takeSignal(signal);
  const onError = (error: unknown): void => takeError(error);
  // Emitted again after whatever the handlers still did; with nothing left to run that is the end.
  const onIdle = (): void => {
    const { stack, ending } = programEnd();
    if (ending || stack.size === 0) return;
    const idle = { kind: 'exit', final: false } as const;
    void stack.execute(idle).then((outcomes) => {
      process.exitCode = exitCode(idle, outcomes);
    });
  };
  const onExit = (): void => programEnd().stack.executeNow({ kind: 'exit', final: true });
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
  if (ending && signal === 'SIGINT') process.exit(128 + constants.signals.SIGINT);
  void endProgram({ kind: 'signal', signal });
}

/** Where the program listens itself it has decided to live on, or ends in its own way. */
function takeError(error: unknown): void {
  if (process.listenerCount('uncaughtException') > 1) return;
  const text = error instanceof Error ? (error.stack ?? error.message) : String(error);
  process.stderr.write(`Uncaught ${text}\n`);
  void endProgram({ kind: 'uncaught', error });
}
