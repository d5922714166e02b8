import { isDeeperThan, isJsonObject, isTexts, type JsonObject, parseJsonObject } from './json.ts';
import {
  SERVICE_PROTOCOL,
  SERVICE_REQUEST_DEPTH,
  type ServiceCallName,
  type ServiceReply,
  type ServiceRequest,
} from './service-socket.ts';

export type ParsedServiceRequest =
  | { readonly ok: true; readonly request: ServiceRequest }
  | { readonly ok: false; readonly reply: ServiceReply };

const CALLS: Readonly<Record<ServiceCallName, (params: JsonObject) => string | null>> = {
  ping: () => null,
  describe: () => null,
  status: () => null,
  start: ({ timeout }) => wrongTimeout(timeout),
  cleanup: ({ timeout }) => wrongTimeout(timeout),
  shutdown: ({ reason, timeout }) =>
    isNothing(reason) || typeof reason === 'string' ? wrongTimeout(timeout) : 'reason: a text or null',
  second_instance: ({ pid, argv, cwd }) => {
    if (!Number.isSafeInteger(pid)) return 'pid: a whole number';
    if (!isTexts(argv)) return 'argv: a list of texts';
    return typeof cwd === 'string' ? null : 'cwd: a text';
  },
};
/** These are answered in any protocol: else a service of another version could be neither recognised nor stopped. */
const ANY_PROTOCOL: readonly ServiceCallName[] = ['ping', 'describe', 'shutdown'];

/** What a line asks for, or the reply that refuses it (id 0 when it has none). Never throws. */
export function parseServiceRequest(line: string): ParsedServiceRequest {
  if (isDeeperThan(line, SERVICE_REQUEST_DEPTH)) return refuse(0, `nested deeper than ${SERVICE_REQUEST_DEPTH}`);
  const value = parseJsonObject(line);
  if (value === null) return refuse(0, 'a request is one line with one JSON object');
  const { id, call, protocol, params = {} } = value;
  if (typeof id !== 'number' || !Number.isSafeInteger(id) || id < 1) return refuse(0, 'id: a whole number above 0');
  if (typeof call !== 'string' || !Object.hasOwn(CALLS, call)) {
    return refuse(id, `unknown call ${JSON.stringify(call ?? null).slice(0, 100)}`);
  }
  const name = call as ServiceCallName;
  if (protocol !== SERVICE_PROTOCOL && !ANY_PROTOCOL.includes(name))
    return { ok: false, reply: mismatch(id, protocol) };
  if (!isJsonObject(params)) return refuse(id, 'params: an object');
  const wrong = CALLS[name](params);
  if (wrong !== null) return refuse(id, `${name}: ${wrong}`);
  return { ok: true, request: { id, protocol: SERVICE_PROTOCOL, call: name, params } };
}

function refuse(id: number, message: string): ParsedServiceRequest {
  return { ok: false, reply: { id, error: { code: 'USAGE', params: { message } } } };
}
function mismatch(id: number, protocol: unknown): ServiceReply {
  const client = `service protocol ${typeof protocol === 'number' ? protocol : 'none'}`;
  return {
    id,
    error: { code: 'PROTOCOL_MISMATCH', params: { client, daemon: `service protocol ${SERVICE_PROTOCOL}` } },
  };
}

function wrongTimeout(value: unknown): string | null {
  const isFine = isNothing(value) || (typeof value === 'number' && Number.isFinite(value) && value >= 0);
  return isFine ? null : 'timeout: milliseconds or null';
}
function isNothing(value: unknown): boolean {
  return value === null || value === undefined;
}
