import { type Static, Type } from '@sinclair/typebox';
import { env, envFiles, Service } from './schema-service.ts';
import { integer, oneOf, open, strict, text } from './schema-values.ts';

const Http = Type.Object(
  {
    port: Type.Optional(integer(0, 65_535, { default: 7333, description: 'Port of the HTTP API; 0 picks one' })),
    bind: Type.Optional(text({ default: '127.0.0.1', description: 'Address it listens on' })),
    tls: Type.Optional(open({ description: 'Certificate and key' })),
    hosts: Type.Optional(Type.Array(Type.String(), { description: 'Host names it answers to' })),
    limits: Type.Optional(open({ description: 'Requests per minute' })),
  },
  strict,
);

/** The one schema of the config: source of its types, JSON Schema, reference page and checks. */
export const ConfigSchema = Type.Object(
  {
    $schema: Type.Optional(text({ description: 'For editors: where the JSON Schema lies' })),
    project: Type.Optional(
      text({
        description: 'Name of the project; without it the name of the folder',
        pattern: '^[A-Za-z0-9_][A-Za-z0-9_-]{0,99}$|\\$\\{',
        'x-expected': 'a name of letters, digits, - and _',
      }),
    ),
    env: Type.Optional(env('Environment variables of every service')),
    env_files: Type.Optional(envFiles('Files of NAME=value lines for every service, before `env`')),
    services: Type.Record(Type.String(), Service, {
      description: 'The services, by name',
      'x-expected': 'a map of service names to services',
    }),
    guard: Type.Optional(
      oneOf(['warn', 'redirect', 'refuse'], {
        default: 'warn',
        description: 'What to do when a managed service is started manually',
      }),
    ),
    alerts: Type.Optional(open({ description: 'Alert rules and channels' })),
    http: Type.Optional(
      Type.Union([Type.Boolean(), Http], {
        description: 'The HTTP API: `true` with its defaults, `false` for none',
        'x-expected': 'true, false, or { port, bind, tls, hosts, limits }',
      }),
    ),
  },
  strict,
);
export type Config = Static<typeof ConfigSchema>;
