/**
 * For every key of the schema, what shows that it does something. Data for effects-of-keys.test.ts, which refuses a key
 * without a row and a row whose test does not exist.
 */
export type Effect =
  /** The test that sees its effect. */
  | { readonly file: string; readonly test: string }
  /** By a row of not-yet.ts: the config is refused, or `validate` and `up` say that the key is ignored. */
  | 'refused'
  | 'noted'
  | { readonly none: string };

const real = (file: string, test: string): Effect => ({ file: `test/real/${file}.test.ts`, test });
const here = (file: string, test: string): Effect => ({ file: `packages/reeve/src/${file}.contract.test.ts`, test });

const layers = real('environment', 'is built of layers, later wins, and reeve has the last word');
const shown = real('config-keys', 'U7: what a service is given is what its config says');
const ready = real('readiness', 'is known in every declared way, and in its absence by health, ports or the process');
const inTime = real('readiness', 'that does not come in time is a failure, and the reason holds the last answer');
const channels = real('notify', 'each in its own way, with what is lacking until then');
const conditions = real(
  'supervision',
  'waits for what each condition says, and continues without what is not required',
);
const onDown = real(
  'dependencies',
  'PostgreSQL held back: dependants wait and name it; killed: each does what its on_down says',
);
const policy = real('supervision', 'follows its policy, whatever the ending');
const live = real('plan', 'what only reeve acts on is applied to what runs, without a new process');
const limits = here('keeper/spawn', 'U7: every kernel limit reaches the process, or is refused');
const secrets = real(
  'secrets',
  'LG14: secrets from a file and a command reach the service, and are shown nowhere; the raw log is 0600',
);

export const EFFECTS: Readonly<Record<string, Effect>> = {
  $schema: { none: 'it tells an editor where the JSON Schema lies' },
  project: layers,
  'env.*': layers,
  env_files: layers,
  guard: real('guard', 'guard: refuse: it does not start, and says what to do'),
  'alerts.*': 'noted',
  http: 'noted',
  'http.port': 'noted',
  'http.bind': 'noted',
  'http.tls.*': 'noted',
  'http.hosts': 'noted',
  'http.limits.*': 'noted',

  'services.*.command': ready,
  'services.*.shell': shown,
  'services.*.cwd': shown,
  'services.*.env.*': layers,
  'services.*.env_files': layers,
  'services.*.ports': ready,
  'services.*.ports.*': layers,
  'services.*.ports.*.port': shown,
  'services.*.ports.*.shared': 'refused',

  'services.*.ready': channels,
  'services.*.ready.http': ready,
  'services.*.ready.status': inTime,
  'services.*.ready.body': inTime,
  'services.*.ready.tcp': ready,
  'services.*.ready.command': ready,
  'services.*.ready.log': ready,
  'services.*.ready.delay': ready,
  'services.*.ready.notify': real(
    'notify',
    'EXTEND_TIMEOUT_USEC gives a slow start the time it asks for; without it the limit holds',
  ),
  'services.*.ready.ipc': shown,
  'services.*.ready.fd': channels,
  'services.*.ready.timeout': inTime,

  'services.*.health.http': real('supervision', 'on_unhealthy: %s'),
  'services.*.health.status': here('probes/probes', 'http: the status decides, and no redirect is followed'),
  'services.*.health.body': real(
    'limits',
    'U32: no pattern of a config stops the daemon: its commands are answered, and other lines still match',
  ),
  'services.*.health.tcp': real(
    'faults-health',
    'HC1: a listener that never accepts passes a tcp check, and fails an http one',
  ),
  'services.*.health.command': live,
  'services.*.health.log': real(
    'notify',
    'a log line makes it healthy; as long as none comes, each interval is a failure',
  ),
  'services.*.health.watchdog': real(
    'notify',
    'X_REEVE_HEALTH counts at once without a declared check; WATCHDOG=trigger is acted on',
  ),
  'services.*.health.interval': live,
  'services.*.health.timeout': real(
    'faults-health',
    'HC6: a check that forks a daemon, prints without end and hangs is cut off, and leaves nothing',
  ),
  'services.*.health.retries': real(
    'faults-health',
    'HC5: an answer that alternates changes nothing; only failures in a row do',
  ),
  'services.*.health.successes': conditions,
  'services.*.health.start_period': real(
    'supervision',
    'does not count failures in the start period, and is unknown until the first answer',
  ),
  'services.*.on_unhealthy': real('supervision', 'on_unhealthy: %s'),

  'services.*.depends_on': conditions,
  'services.*.depends_on.*': conditions,
  'services.*.depends_on.*.condition': conditions,
  'services.*.depends_on.*.required': conditions,
  'services.*.depends_on.*.on_down': onDown,

  'services.*.restart': real('faults-restart', 'CB8: an end with exit 0 is judged by the policy'),
  'services.*.restart.policy': policy,
  'services.*.restart.backoff': real(
    'faults-restart',
    'CB7: a crash loop is restarted with pauses, and stops at its limit with the reason, told once',
  ),
  'services.*.restart.limit': policy,

  'services.*.stop.signal': real('supervision', 'asks the rest as soon as main has ended, with the declared signal'),
  'services.*.stop.timeout': real('supervision', 'mode %s: the rest is asked when its turn comes'),
  'services.*.stop.mode': real('supervision', 'mode %s: the rest is asked when its turn comes'),
  'services.*.stop.command': real(
    'faults-stop',
    'runs instead of the signal, as the service: environment, folder, log, main pid',
  ),

  'services.*.oneshot': conditions,
  'services.*.schedule.cron': 'refused',
  'services.*.schedule.tz': 'refused',
  'services.*.schedule.overlap': 'refused',
  'services.*.schedule.missed': 'refused',
  'services.*.watch.paths': 'noted',
  'services.*.watch.ignore': 'noted',
  'services.*.watch.debounce': 'noted',
  'services.*.instances': real('environment', 'are numbered from 0, have port + k each, and a selector of their own'),
  'services.*.autostart': real(
    'cleanup',
    'the clean-up of the config runs after the stop, only of what ran; cleanup --all runs all; a failing one is exit 6',
  ),

  'services.*.user': real('users', 'has that user, its groups and its home, and may write to /dev/stderr'),
  'services.*.group': real('users', 'U7: has that group, with the user that reeve has'),
  'services.*.umask': shown,
  'services.*.nice': shown,
  'services.*.limits.as': limits,
  'services.*.limits.core': limits,
  'services.*.limits.cpu': limits,
  'services.*.limits.data': limits,
  'services.*.limits.fsize': limits,
  'services.*.limits.memlock': limits,
  'services.*.limits.msgqueue': limits,
  'services.*.limits.nice': limits,
  'services.*.limits.nofile': shown,
  'services.*.limits.nproc': limits,
  'services.*.limits.rtprio': limits,
  'services.*.limits.sigpending': limits,
  'services.*.limits.stack': limits,
  'services.*.resources.memory': 'noted',
  'services.*.resources.cpu': 'noted',
  'services.*.resources.on_limit': 'noted',

  'services.*.logs': shown,
  'services.*.logs.max_size': here(
    'keeper/streams',
    '60 000 lines through many small segments: none lost, none torn (LG7)',
  ),
  'services.*.logs.max_files': here('keeper/streams', 'only the newest files are kept, and the newest line is there'),
  'services.*.logs.max_age': here('keeper/output/log-folder', 'U7: closed files that are too old are removed'),
  'services.*.logs.compress': here('keeper/streams', 'closed files are compressed, and read as before'),

  'services.*.groups': shown,
  'services.*.capabilities': shown,
  'services.*.description': shown,
  'services.*.is_system': shown,
  'services.*.cleanup.command': real(
    'cleanup',
    'the clean-up of the config runs after the stop, only of what ran; cleanup --all runs all; a failing one is exit 6',
  ),
  'services.*.cleanup.timeout': shown,
  'services.*.container.*': 'refused',
  'services.*.secrets.*.file': secrets,
  'services.*.secrets.*.command': secrets,
  'services.*.title': 'noted',
};
