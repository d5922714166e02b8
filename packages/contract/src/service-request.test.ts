import { expect, test } from 'vitest';
import { parseServiceRequest } from './service-request.ts';
import { SERVICE_REQUEST_DEPTH, type ServiceReply } from './service-socket.ts';

const line = (request: object): string => JSON.stringify({ id: 1, protocol: 1, params: {}, ...request });
const refusal = (text: string): ServiceReply => {
  const parsed = parseServiceRequest(text);
  if (parsed.ok) throw new Error('it was accepted');
  return parsed.reply;
};

test.each([
  { call: 'ping' },
  { call: 'describe', params: undefined },
  { call: 'status', more: 'passed over' },
  { call: 'start', params: { timeout: null } },
  { call: 'cleanup', params: { timeout: 500 } },
  { call: 'shutdown', params: { reason: 'enough', timeout: null } },
  { call: 'second_instance', params: { pid: 7, argv: ['node', 'a.js'], cwd: '/' } },
])('%j is a request', (request) => {
  expect(parseServiceRequest(line(request))).toMatchObject({ ok: true, request: { id: 1, call: request.call } });
});

test.each([
  ['not JSON', 0],
  ['[]', 0],
  ['{"call":"ping"}', 0],
  [line({ id: 0, call: 'ping' }), 0],
  [line({ call: 'toString' }), 1],
  [line({ call: 7 }), 1],
  [line({ call: 'cleanup', params: [] }), 1],
  [line({ call: 'cleanup', params: { timeout: -1 } }), 1],
  [line({ call: 'shutdown', params: { reason: 7 } }), 1],
  [line({ call: 'second_instance', params: { pid: 7, argv: [1], cwd: '/' } }), 1],
  ['{"id":1,"params":'.padEnd(100, '['), 0],
])('%s is refused as USAGE, with the id it had', (text, id) => {
  expect(refusal(text)).toMatchObject({ id, error: { code: 'USAGE' } });
});

test('nesting is judged before parsing, and brackets in texts do not count', () => {
  const deep = `${'{"a":'.repeat(SERVICE_REQUEST_DEPTH)}1${'}'.repeat(SERVICE_REQUEST_DEPTH)}`;
  expect(refusal(line({ call: 'ping' }).replace('{}', deep))).toMatchObject({ id: 0 });
  expect(parseServiceRequest(line({ call: 'shutdown', params: { reason: '[{'.repeat(100), timeout: null } })).ok).toBe(
    true,
  );
});

test('another protocol is answered only where a service must be recognised or stopped', () => {
  for (const call of ['ping', 'describe', 'shutdown'])
    expect(parseServiceRequest(line({ call, protocol: 2 })).ok).toBe(true);
  expect(refusal(line({ call: 'cleanup', protocol: 2 }))).toMatchObject({
    id: 1,
    error: { code: 'PROTOCOL_MISMATCH' },
  });
});
