import {
  type CallName,
  CONTROL_PROTOCOL,
  type ControlCancel,
  type ControlRequest,
  isDeeperThan,
  ReeveError,
} from '@reeve/contract';
import { Value } from '@sinclair/typebox/value';
import { CONTROL_SCHEMAS } from './schemas.ts';

/** One line of the control socket. */
export const LINE_BYTES = 8 << 20;
/** A project spec is 7 deep. Deeper nesting is not ours, and recursion over it would let a client choose our stack depth. */
const DEPTH = 32;
/** These are answered in any protocol: else a daemon of another version could be neither recognised nor stopped. */
const ANY_PROTOCOL: readonly CallName[] = ['ping', 'shutdown', 'upgrade'];

/** `id` is 0 when the line has none that could be read. */
export type ParsedRequest =
  | { readonly ok: true; readonly request: ControlRequest | ControlCancel }
  | { readonly ok: false; readonly id: number; readonly error: ReeveError };

/** What a line asks for, or why it is refused. Pure; never throws. */
export function parseRequest(line: string): ParsedRequest {
  if (isDeeperThan(line, DEPTH)) return refuse(0, `a request is nested deeper than ${DEPTH}`);
  let value: unknown;
  try {
    value = JSON.parse(line);
  } catch {
    return refuse(0, 'a request is one line of JSON');
  }
  if (typeof value !== 'object' || value === null || !('id' in value)) return refuse(0, 'a request needs an id');
  const { id, call, protocol, params } = value as Record<string, unknown>;
  if (typeof id !== 'number' || !Number.isSafeInteger(id) || id < 1) return refuse(0, 'id: a whole number above 0');
  if ('cancel' in value && value.cancel === true) return { ok: true, request: { id, cancel: true } };
  if (!isCallName(call)) return refuse(id, `unknown call ${JSON.stringify(call ?? null).slice(0, 100)}`);
  if (protocol !== CONTROL_PROTOCOL && !ANY_PROTOCOL.includes(call))
    return { ok: false, id, error: mismatch(protocol) };
  const wrong = firstWrong(call, params);
  if (wrong) return refuse(id, `${call}: ${wrong}`);
  return { ok: true, request: { id, protocol: CONTROL_PROTOCOL, call, params } as ControlRequest };
}

function refuse(id: number, message: string): ParsedRequest {
  const hint = 'this is not how reeve speaks to its daemon: use the CLI or the client of the same version';
  return { ok: false, id, error: new ReeveError('USAGE', { message, hint }) };
}

function mismatch(protocol: unknown): ReeveError {
  return new ReeveError('PROTOCOL_MISMATCH', {
    client: `control protocol ${typeof protocol === 'number' ? protocol : 'none'}`,
    daemon: `control protocol ${CONTROL_PROTOCOL}`,
  });
}

function isCallName(call: unknown): call is CallName {
  return typeof call === 'string' && Object.hasOwn(CONTROL_SCHEMAS, call);
}

/** Interpreted: compiling a schema costs a starting daemon more than all the checks that it makes in its first minute. */
function firstWrong(call: CallName, params: unknown): string | null {
  const schema = CONTROL_SCHEMAS[call];
  if (Value.Check(schema, params)) return null;
  const error = Value.Errors(schema, params).First();
  return `params${error?.path ?? ''}: ${error?.message ?? 'wrong'}`.slice(0, 500);
}
