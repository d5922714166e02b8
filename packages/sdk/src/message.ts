import { ERRORS, type ErrorCode, type Params, ReeveError } from '@reeve/contract';

export interface WireError {
  readonly code: string;
  readonly params: Params;
}
export type Message = { readonly id: number } & (
  | { readonly ok: unknown }
  | { readonly push: unknown }
  | { readonly error: WireError }
);

/** `null`: not a message of the control protocol. */
export function parseMessage(line: string): Message | null {
  let value: unknown;
  try {
    value = JSON.parse(line);
  } catch {
    return null;
  }
  if (typeof value !== 'object' || value === null || !('id' in value) || typeof value.id !== 'number') return null;
  if ('error' in value) return isWireError(value.error) ? (value as Message) : null;
  return 'ok' in value || 'push' in value ? (value as Message) : null;
}

function isWireError(value: unknown): value is WireError {
  if (typeof value !== 'object' || value === null || !('code' in value) || !('params' in value)) return false;
  return typeof value.code === 'string' && typeof value.params === 'object' && value.params !== null;
}

/** The daemon's error with its code and parameters; a code of a newer daemon becomes INTERNAL, naming it. */
export function reviveError({ code, params }: WireError, home: string): ReeveError {
  if (!Object.hasOwn(ERRORS, code)) {
    return new ReeveError('INTERNAL', { message: `the daemon sent an error that this reeve does not know: ${code}` });
  }
  // The daemon's server knows no home when it refuses a connection.
  return new ReeveError(code as ErrorCode, code === 'DAEMON_UNREACHABLE' ? { home, ...params } : params);
}
