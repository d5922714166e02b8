import { ReeveError } from '@reeve/contract';
import { systemError } from '@reeve/host';
import type { Io } from './io.ts';
import { safeText } from './terminal/safe-text.ts';
import { glyph, type Style } from './terminal/style.ts';

export interface ErrorManner {
  readonly json: boolean;
  readonly verbose: boolean;
  readonly talk: Style;
}

/**
 * Every error ends here: what went wrong, why, what to do, on standard error; with --json `{ "error": … }` instead, so
 * that standard output holds results only. Returns the exit code.
 */
export function reportError(error: unknown, io: Pick<Io, 'err'>, manner: ErrorManner): number {
  const known = error instanceof ReeveError ? error : unexpected(error);
  if (manner.json) {
    const { code, message, hint } = known;
    io.err.write(`${JSON.stringify({ error: { code, message, hint } })}\n`);
  } else io.err.write(formatError(known, manner));
  if (manner.verbose && !manner.json) io.err.write(`${safeText(detailsOf(error))}\n`);
  return known.exit;
}

function formatError(error: ReeveError, { talk }: Pick<ErrorManner, 'talk'>): string {
  const bad = glyph(talk, 'bad');
  const message = safeText(error.message);
  // A config's report marks each of its problems itself.
  const marked = message.startsWith('✗')
    ? message.replaceAll(/^✗/gm, talk.paint('red', bad))
    : `${talk.paint('red', bad)} ${message}`;
  const hint = error.hint ? `  ${talk.paint('bold', 'Fix:')} ${safeText(error.hint)}\n` : '';
  return `${marked}\n${hint}`;
}

function unexpected(error: unknown): ReeveError {
  const known = systemError(error);
  if (known) return known;
  const message = error instanceof Error ? error.message : String(error);
  return new ReeveError('INTERNAL', { message }, { cause: error });
}

function detailsOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  const cause = error.cause instanceof Error ? `\ncaused by ${error.cause.stack ?? error.cause.message}` : '';
  return `${error.stack ?? error.message}${cause}`;
}
