import { NAME_PATTERN } from '@reeve/contract';
import { Type } from '@sinclair/typebox';
import { Environment, strict } from './schema-parts.ts';

/** A parsed project as it comes over the control socket: the shape of contract/spec.ts, complete, no defaults. */
const Name = Type.String({ pattern: NAME_PATTERN.source });
const Text = Type.String();
/** A word that reaches execve or a path: no zero byte. */
const Word = Type.String({ pattern: '^[^\\u0000]*$' });
const Path = Type.String({ pattern: '^[^\\u0000]+$' });
const Millis = Type.Number({ minimum: 0 });
const Count = Type.Integer({ minimum: 0 });
const Port = Type.Integer({ minimum: 1, maximum: 65535 });
const orNull = <T extends Parameters<typeof Type.Union>[0][number]>(schema: T) => Type.Union([schema, Type.Null()]);

const Command = strict({
  text: Text,
  how: Type.Union([
    strict({ kind: Type.Literal('argv'), argv: Type.Array(Word, { minItems: 1 }) }),
    strict({ kind: Type.Literal('shell'), shell: Path, script: Word, why: Text }),
  ]),
});
const PortSchema = strict({
  name: orNull(Text),
  port: Type.Union([Port, Type.Literal('auto')]),
  protocol: Type.Union([Type.Literal('tcp'), Type.Literal('udp')]),
  shared: Type.Boolean(),
});
const Http = strict({
  kind: Type.Literal('http'),
  url: Text,
  status: Type.Array(Type.Tuple([Type.Integer(), Type.Integer()])),
  body: orNull(Text),
});
const Tcp = strict({ kind: Type.Literal('tcp'), address: Text });
const CommandCheck = strict({ kind: Type.Literal('command'), command: Command });
const Log = strict({ kind: Type.Literal('log'), pattern: Text });
const Ready = Type.Union([
  Http,
  Tcp,
  CommandCheck,
  Log,
  strict({ kind: Type.Literal('delay'), delay: Millis }),
  strict({ kind: Type.Literal('notify') }),
  strict({ kind: Type.Literal('ipc') }),
  strict({ kind: Type.Literal('fd'), fd: Count }),
]);
const Health = strict({
  check: Type.Union([Http, Tcp, CommandCheck, Log, strict({ kind: Type.Literal('watchdog'), timeout: Millis })]),
  interval: Millis,
  timeout: Millis,
  retries: Count,
  successes: Count,
  start_period: Millis,
});
const Dependency = strict({
  service: Name,
  condition: Type.Union([
    Type.Literal('started'),
    Type.Literal('ready'),
    Type.Literal('healthy'),
    Type.Literal('completed'),
  ]),
  required: Type.Boolean(),
  on_down: Type.Union([Type.Literal('ignore'), Type.Literal('restart'), Type.Literal('stop'), Type.Literal('pause')]),
});
const Restart = strict({
  policy: Type.Union([
    Type.Literal('always'),
    Type.Literal('on-failure'),
    Type.Literal('never'),
    Type.Literal('unless-stopped'),
  ]),
  backoff: strict({ min: Millis, max: Millis }),
  limit: orNull(strict({ count: Count, period: Millis })),
});
const Stop = strict({
  signal: Text,
  timeout: Millis,
  timeout_declared: Type.Boolean(),
  mode: Type.Union([Type.Literal('main_first'), Type.Literal('all'), Type.Literal('main')]),
  command: orNull(Command),
});
const Logs = strict({ max_size: Count, max_files: Count, max_age: orNull(Millis), compress: Type.Boolean() });

const Service = strict({
  name: Name,
  description: Text,
  command: Command,
  cwd: Path,
  env: Environment,
  env_files: Type.Array(Path),
  ports: Type.Array(PortSchema),
  ready: orNull(Ready),
  ready_timeout: Millis,
  health: orNull(Health),
  on_unhealthy: Type.Union([Type.Literal('restart'), Type.Literal('alert'), Type.Literal('nothing')]),
  depends_on: Type.Array(Dependency),
  restart: Restart,
  stop: Stop,
  oneshot: Type.Boolean(),
  instances: Count,
  autostart: Type.Boolean(),
  user: orNull(Text),
  group: orNull(Text),
  umask: orNull(Type.Integer({ minimum: 0, maximum: 0o777 })),
  nice: orNull(Type.Integer({ minimum: -20, maximum: 19 })),
  limits: Type.Record(Type.String({ pattern: '^[a-z]+$' }), Type.Number(), { additionalProperties: false }),
  logs: orNull(Logs),
  groups: Type.Array(Name),
  capabilities: Type.Array(Text),
  is_system: Type.Boolean(),
  secrets: Type.Record(
    Type.String(),
    Type.Union([
      strict({ kind: Type.Literal('file'), path: Path }),
      strict({ kind: Type.Literal('command'), command: Command }),
    ]),
  ),
  cleanup: orNull(strict({ command: Command, timeout: Millis })),
});

export const ProjectSpecSchema = strict({
  folder: Path,
  name: Name,
  config: orNull(Path),
  env: Environment,
  env_files: Type.Array(Path),
  services: Type.Array(Service),
});
