import { type TOptional, Type } from '@sinclair/typebox';
import { Command } from './schema-checks.ts';
import { backoffRange, bool, budget, duration, integer, oneOf, PORT, size, strict, text } from './schema-values.ts';

const PortValue = Type.Union([Type.Integer({ minimum: 1, maximum: 65_535 }), Type.String()], {
  'x-expected': `${PORT}, "53/udp", or auto`,
});
const PortObject = Type.Object(
  {
    port: Type.Union([Type.Integer({ minimum: 1, maximum: 65_535 }), Type.String()], {
      description: 'A port, `"53/udp"`, or `auto`: chosen by reeve, stable per project',
      'x-expected': `${PORT}, "53/udp", or auto`,
    }),
    shared: Type.Optional(
      bool({ default: false, description: 'reeve listens and hands the socket to every instance (LISTEN_FDS)' }),
    ),
  },
  strict,
);
export const Ports = Type.Union(
  [
    Type.Array(PortValue),
    Type.Record(
      Type.String(),
      Type.Union([...PortValue.anyOf, PortObject], { 'x-expected': `${PORT}, "53/udp", auto, or { port, shared }` }),
    ),
  ],
  {
    description:
      'A list (`[8081]`, `["53/udp"]`) or a map of names (`{ http: 8081 }`, `{ http: auto }`, `{ http: { port, shared } }`). Instance k gets port + k',
    'x-expected': 'a list such as [8081] or a map such as { http: 8081 }',
  },
);

export const CONDITIONS = ['started', 'ready', 'healthy', 'completed'] as const;
const DependencyObject = Type.Object(
  {
    condition: Type.Optional(oneOf(CONDITIONS, { default: 'ready', description: 'What to wait for' })),
    required: Type.Optional(bool({ default: true, description: 'false: start also when it cannot be met' })),
    on_down: Type.Optional(
      oneOf(['ignore', 'restart', 'stop', 'pause'], {
        default: 'ignore',
        description:
          'When its condition stops holding: run on; run on and restart when it is back; stop until then; suspend until then',
      }),
    ),
  },
  strict,
);
const Dependency = Type.Union([oneOf(CONDITIONS, {}), DependencyObject], {
  'x-expected': `${CONDITIONS.join(', ')}, or { condition, required, on_down }`,
});
export const DependsOn = Type.Union([Type.Array(Type.String()), Type.Record(Type.String(), Dependency)], {
  description:
    'Services that come first: a list (means ready), or a map name → condition, or → `{ condition, required, on_down }`',
  'x-expected': 'a list of services or a map such as { db: healthy }',
});

export const POLICIES = ['always', 'on-failure', 'never', 'unless-stopped'] as const;
const RestartObject = Type.Object(
  {
    policy: Type.Optional(oneOf(POLICIES, { default: 'on-failure', description: 'When it is started again' })),
    backoff: Type.Optional(
      backoffRange({
        default: '500ms..30s',
        description:
          'Shortest and longest delay: doubling, ±25 % jitter, from the start again after 60 s healthy. 0: at once',
      }),
    ),
    limit: Type.Optional(
      budget({ default: '5 per 60s', description: 'More restarts than this in the period: failed, until `start`' }),
    ),
  },
  strict,
);
export const Restart = Type.Union([oneOf(POLICIES, {}), RestartObject], {
  description: 'A policy, or `{ policy, backoff, limit }`. One-shots: never',
  'x-expected': `${POLICIES.join(', ')}, or { policy, backoff, limit }`,
});

export const Stop = Type.Object(
  {
    signal: Type.Optional(
      text({
        default: 'SIGTERM',
        description: 'The first signal',
        'x-expected': 'a signal such as SIGTERM, SIGINT or SIGQUIT',
      }),
    ),
    timeout: Type.Optional(duration({ default: '10s', description: 'The grace: SIGKILL to everything left after it' })),
    mode: Type.Optional(
      oneOf(['main_first', 'all', 'main'], {
        default: 'main_first',
        description:
          'Who gets the signal: the main process and, when it has ended or after half the grace, the rest; all at once; only main',
      }),
    ),
    command: Type.Optional(
      Type.Union(Command.anyOf, {
        description:
          'Executed instead of the first signal, as the service and with MAINPID; the signal follows when it fails, or at half the grace',
        'x-expected': 'a command',
      }),
    ),
  },
  { ...strict, description: 'How it is stopped' },
);

export const LogsObject = Type.Object(
  {
    max_size: Type.Optional(size({ default: '10M', description: 'A log file is closed at this size' })),
    max_files: Type.Optional(integer(1, 10_000, { default: 5, description: 'How many files are kept per stream' })),
    max_age: Type.Optional(duration({ description: 'Older files are removed' })),
    compress: Type.Optional(bool({ default: true, description: 'Closed files are compressed' })),
  },
  strict,
);
/** Kernel limits that a service may set. `rttime` is reeve's own mark (DESIGN, decision 2); Linux enforces no `rss` or `locks`. */
export const LIMITS = [
  'as',
  'core',
  'cpu',
  'data',
  'fsize',
  'memlock',
  'msgqueue',
  'nice',
  'nofile',
  'nproc',
  'rtprio',
  'sigpending',
  'stack',
] as const;
export const limitKeys = Object.fromEntries(
  LIMITS.map((name) => [name, Type.Optional(size({ 'x-expected': 'a number, or a size such as 64M' }))]),
) as {
  [K in (typeof LIMITS)[number]]: TOptional<ReturnType<typeof size>>;
};
