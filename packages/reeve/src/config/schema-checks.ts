import { type SchemaOptions, Type } from '@sinclair/typebox';
import { PATTERN_SYNTAX } from '../base/pattern.ts';
import { AsWritten, duration, integer, oneOf, strict, text } from './schema-values.ts';

export const Command = Type.Union([Type.String({ minLength: 1 }), Type.Array(AsWritten, { minItems: 1 })], {
  'x-expected': 'a command: text, or a list of words such as [node, server.js]',
});

const ADDRESS = 'a port or host:port';
const REGEX = PATTERN_SYNTAX;

/** Ways to ask a service how it is. */
const checks = () => ({
  http: Type.Optional(
    text({
      description: 'A URL, or a /path asked where the service listens on its first TCP port',
      'x-expected': 'an http:// or https:// URL, or a /path',
    }),
  ),
  status: Type.Optional(
    Type.Union([Type.Integer({ minimum: 100, maximum: 599 }), Type.String()], {
      default: '200-399',
      description: 'With `http`: the accepted status codes, such as 200, 200-399 or 200,204',
      'x-expected': 'status codes such as 200, 200-399 or 200,204',
    }),
  ),
  body: Type.Optional(
    text({ description: 'With `http`: a regular expression that the body must match', 'x-expected': REGEX }),
  ),
  tcp: Type.Optional(
    Type.Union([Type.Integer({ minimum: 1, maximum: 65_535 }), Type.String()], {
      description: 'A port on which the service itself listens, or host:port, that accepts a connection',
      'x-expected': ADDRESS,
    }),
  ),
  command: Type.Optional(
    Type.Union(Command.anyOf, { ...optionsOf(Command), description: 'A command that ends with code 0' }),
  ),
  log: Type.Optional(
    text({ description: 'A regular expression that a line of its output matches', 'x-expected': REGEX }),
  ),
});

function optionsOf({ anyOf: _, ...options }: typeof Command): SchemaOptions {
  return { 'x-expected': options['x-expected'] ?? '' };
}

const ReadyObject = Type.Object(
  {
    ...checks(),
    delay: Type.Optional(duration({ description: 'Ready when it has run this long' })),
    notify: Type.Optional(
      Type.Literal(true, {
        description: 'The same as the word `notify`, where a `timeout` goes with it',
        'x-expected': 'true',
      }),
    ),
    ipc: Type.Optional(
      Type.Literal(true, {
        description: 'The same as the word `ipc`, where a `timeout` goes with it',
        'x-expected': 'true',
      }),
    ),
    fd: Type.Optional(integer(3, 255, { description: 'Ready when a line is written to this file descriptor' })),
    timeout: Type.Optional(
      duration({
        default: '30s',
        description:
          'Not ready by then is a failure: stopped, and the restart policy applies. Where `health` makes it ready, at least its `start_period`',
      }),
    ),
  },
  { ...strict, 'x-expected': 'notify, ipc, or one of { log }, { http }, { tcp }, { command }, { delay }, { fd }' },
);
/** Kinds of check; a config names one of them. */
export const READY_KINDS = ['http', 'tcp', 'command', 'log', 'delay', 'fd', 'notify', 'ipc'] as const;

export const Ready = Type.Union([oneOf(['notify', 'ipc'], {}), ReadyObject], {
  description:
    'How it tells that it is ready. Undeclared: the first success of `health`; else every declared TCP port is listened on; else the process runs',
  'x-expected': 'notify, ipc, or one of { log }, { http }, { tcp }, { command }, { delay }, { fd }',
});

export const Health = Type.Object(
  {
    ...checks(),
    watchdog: Type.Optional(duration({ description: 'The service must send WATCHDOG=1 within this time' })),
    interval: Type.Optional(duration({ default: '5s', description: 'Time between two checks' })),
    timeout: Type.Optional(duration({ default: '2s', description: 'No answer by then is a failed check' })),
    retries: Type.Optional(
      integer(1, 1000, { default: 3, description: 'Failed checks in a row that make it unhealthy' }),
    ),
    successes: Type.Optional(
      integer(1, 1000, { default: 1, description: 'Good checks in a row that make it healthy' }),
    ),
    start_period: Type.Optional(
      duration({ default: '10s', description: 'Failed checks do not count this long after the start' }),
    ),
  },
  {
    ...strict,
    description: 'How its health is asked, again and again',
    'x-expected': 'one of { http }, { tcp }, { command }, { log }, { watchdog }',
  },
);
export const HEALTH_KINDS = ['http', 'tcp', 'command', 'log', 'watchdog'] as const;
