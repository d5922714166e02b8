import { type Static, Type } from '@sinclair/typebox';
import { Command, Health, Ready } from './schema-checks.ts';
import { DependsOn, LogsObject, limitKeys, Ports, Restart, Stop } from './schema-parts.ts';
import { AsWritten, bool, duration, integer, oneOf, open, path, size, strict, text } from './schema-values.ts';

export const env = (description: string) =>
  Type.Record(Type.String(), AsWritten, { description, 'x-expected': 'a map of names to values' });
export const envFiles = (description: string) =>
  Type.Array(path({}), { description, 'x-expected': 'a list of files such as [.env]' });

export const Service = Type.Object(
  {
    command: Type.Union(Command.anyOf, {
      description:
        'A list is executed as it is. Text without shell syntax is split into words and executed directly, else it goes to `/bin/sh -c`',
      'x-expected': 'a command: text, or a list of words such as [node, server.js]',
    }),
    shell: Type.Optional(
      Type.Union([Type.Boolean(), Type.String({ pattern: '^/' })], {
        description: 'Overrides that rule for a text: true, false, or the path of a shell',
        'x-expected': 'true, false or the absolute path of a shell',
      }),
    ),
    cwd: Type.Optional(path({ description: 'Working folder, relative to the config file', default: '.' })),
    env: Type.Optional(env('Environment variables')),
    env_files: Type.Optional(envFiles('Files of NAME=value lines, before `env`')),
    ports: Type.Optional(Ports),
    ready: Type.Optional(Ready),
    health: Type.Optional(Health),
    on_unhealthy: Type.Optional(
      oneOf(['restart', 'alert', 'nothing'], { default: 'restart', description: 'What to do when it is unhealthy' }),
    ),
    depends_on: Type.Optional(DependsOn),
    restart: Type.Optional(Restart),
    stop: Type.Optional(Stop),
    oneshot: Type.Optional(bool({ default: false, description: 'Runs once and is completed' })),
    schedule: Type.Optional(
      Type.Object(
        {
          cron: text({ description: 'When it runs, as cron writes it' }),
          tz: Type.Optional(text({ description: 'Time zone such as Europe/Berlin' })),
          overlap: Type.Optional(
            oneOf(['skip', 'queue', 'allow'], { default: 'skip', description: 'When the last run is not over' }),
          ),
          missed: Type.Optional(
            oneOf(['skip', 'run_once'], { default: 'skip', description: 'When a time was missed' }),
          ),
        },
        { ...strict, description: 'Runs at times' },
      ),
    ),
    watch: Type.Optional(
      Type.Object(
        {
          paths: Type.Array(Type.String(), { description: 'Files and folders' }),
          ignore: Type.Optional(Type.Array(Type.String(), { description: 'Patterns to leave out' })),
          debounce: Type.Optional(duration({ default: '300ms', description: 'Quiet time before the restart' })),
        },
        { ...strict, description: 'Restart when files change' },
      ),
    ),
    instances: Type.Optional(integer(1, 1000, { default: 1, description: 'How many run, numbered from 0' })),
    autostart: Type.Optional(bool({ default: true, description: 'false: started only by name or as a dependency' })),
    user: Type.Optional(
      Type.Union([Type.String({ minLength: 1 }), Type.Integer({ minimum: 0 })], {
        description: 'Run as this user (needs root)',
        'x-expected': 'a user name',
      }),
    ),
    group: Type.Optional(
      Type.Union([Type.String({ minLength: 1 }), Type.Integer({ minimum: 0 })], {
        description: 'Run as this group (needs root)',
        'x-expected': 'a group name',
      }),
    ),
    umask: Type.Optional(
      Type.Union([Type.String({ pattern: '^(0o?)?[0-7]{1,3}$' }), Type.Integer({ minimum: 0 })], {
        description: 'File mode mask, in octal: 022',
        'x-expected': 'an octal mask such as 022',
      }),
    ),
    nice: Type.Optional(integer(-20, 19, { description: 'Scheduling priority: 19 is the most polite' })),
    limits: Type.Optional(
      Type.Object(limitKeys, { ...strict, description: 'Kernel limits such as `{ nofile: 65536 }`' }),
    ),
    resources: Type.Optional(
      Type.Object(
        {
          memory: Type.Optional(size({ description: 'Most memory of all its processes' })),
          cpu: Type.Optional(
            Type.Union([Type.Number({ minimum: 0 }), Type.String()], { description: 'Most CPU, in CPUs: 0.5' }),
          ),
          on_limit: Type.Optional(
            oneOf(['warn', 'restart', 'stop'], { default: 'warn', description: 'What to do at the limit' }),
          ),
        },
        { ...strict, description: 'Limits on what it may use' },
      ),
    ),
    logs: Type.Optional(
      Type.Union([Type.Literal(false), LogsObject], {
        description: 'Rotation of its log; false: output is discarded',
        'x-expected': '{ max_size, max_files, max_age, compress } or false',
      }),
    ),
    groups: Type.Optional(
      Type.Array(Type.String(), { description: 'Groups it belongs to', 'x-expected': 'a list of names' }),
    ),
    capabilities: Type.Optional(
      Type.Array(Type.String(), {
        description: 'What it can do, for programs that discover it',
        'x-expected': 'a list of names',
      }),
    ),
    description: Type.Optional(text({ description: 'One line for people', default: '' })),
    is_system: Type.Optional(bool({ default: false, description: 'Belongs to the system rather than to the project' })),
    cleanup: Type.Optional(
      Type.Object(
        {
          command: Type.Union(Command.anyOf, {
            description: 'Removes what the service leaves',
            'x-expected': 'a command',
          }),
          timeout: Type.Optional(duration({ default: '5s', description: 'How long it may take' })),
        },
        { ...strict, description: 'Emergency clean-up' },
      ),
    ),
    container: Type.Optional(open({ description: 'Run in a container: `{ image … | name | compose }`' })),
    secrets: Type.Optional(
      Type.Record(
        Type.String(),
        Type.Object(
          {
            file: Type.Optional(path({ description: 'Read from this file' })),
            command: Type.Optional(
              Type.Union(Command.anyOf, { description: 'Printed by this command', 'x-expected': 'a command' }),
            ),
          },
          strict,
        ),
        { description: 'Variables whose values are fetched: `{ NAME: { file | command } }`' },
      ),
    ),
    title: Type.Optional(bool({ default: false, description: 'Show `<project>-<service>` as the process title' })),
  },
  { ...strict, 'x-expected': 'a map with at least `command`' },
);
export type ServiceConfig = Static<typeof Service>;
