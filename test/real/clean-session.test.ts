import type { DaemonAbout } from '@reeve/contract';
import { describe, expect, test } from 'vitest';
import { linesOf } from '../harness/ask.ts';
import { startReeve, type TestReeve, type TestReeveOptions } from '../harness/reeve.ts';

const isRoot = process.getuid?.() === 0;
/** Everything that a service inherits, one fact a line. */
const SHOW = [
  'ulimit -Sn',
  'ulimit -c',
  'ulimit -f',
  'ulimit -s',
  'nice',
  'umask',
  'cat /proc/self/oom_score_adj',
  'chrt -p $$ | head -n 1 | cut -d: -f2',
  'ionice -p $$',
  'nproc',
  'grep SigIgn /proc/self/status',
  'grep SigBlk /proc/self/status',
].join('; ');
/** What the shell of a user may have set. `root`: also what only root can undo. */
const FIRST_CALLER = `
import ctypes, os, resource, signal, sys
def soft(name, amount):
    resource.setrlimit(name, (amount, resource.getrlimit(name)[1]))
soft(resource.RLIMIT_NOFILE, 512)
soft(resource.RLIMIT_CORE, 4096)
soft(resource.RLIMIT_STACK, 4 << 20)
soft(resource.RLIMIT_FSIZE, 1 << 40)
os.umask(0o77)
os.sched_setaffinity(0, {min(os.sched_getaffinity(0))})
if sys.argv[1] == "root":
    os.nice(5)
    open("/proc/self/oom_score_adj", "w").write("300")
    os.execvp("ionice", ["ionice", "-c", "2", "-n", "7", "python3", "-c", os.environ["FIRST_CALLER"], "batch", *sys.argv[2:]])
os.sched_setscheduler(0, os.SCHED_BATCH, os.sched_param(0))
signal.signal(signal.SIGUSR2, signal.SIG_IGN)
signal.signal(signal.SIGRTMIN + 1, signal.SIG_IGN)
signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGUSR1, signal.SIGRTMIN + 2})
os.execvp(sys.argv[2], sys.argv[2:])
`;
const within = (who: 'root' | 'user'): TestReeveOptions => ({
  within: ['python3', '-c', FIRST_CALLER, who],
  env: { FIRST_CALLER },
});

/** What a service shows of itself when `up` is the first command of its home. */
async function shown(options: TestReeveOptions): Promise<readonly string[]> {
  await using reeve = startReeve(options);
  reeve.project({
    services: { a: { command: ['sh', '-c', `${SHOW}; echo shown; exec sleep 1000`], ready: { log: '^shown$' } } },
  });
  await up(reeve);
  return await linesOf(reeve, 'a');
}

let clean: Promise<readonly string[]> | undefined;
/** What it shows where nothing was set, for any user. */
function cleanSession(): Promise<readonly string[]> {
  clean ??= shown({});
  return clean;
}

async function up(reeve: TestReeve, env = {}): Promise<string> {
  const { code, stderr } = await reeve.run(['up', '-d'], { env });
  expect(code, stderr).toBe(0);
  return stderr;
}

describe('what services inherit', () => {
  test('U8: services have a clean session, whatever the shell that started the keeper has limited, bound or ignored', async () => {
    const facts = await shown({ asNobody: isRoot, ...within('user') });
    expect(facts).toEqual(await cleanSession());
    expect(facts[0]).toBe('1024');
    expect(facts.slice(4, 8).map((line) => line.trim())).toEqual(['0', '0022', '0', 'SCHED_OTHER']);
  });

  test.runIf(isRoot)(
    'U8: root’s services do not inherit its niceness, its place in the queue for the disk, or its OOM score either',
    async () => {
      expect(await shown(within('root'))).toEqual(await cleanSession());
    },
  );

  test('U8: what an ordinary user cannot undo is said by `up` and `daemon status`, and the config still decides what it can', async () => {
    await using reeve = startReeve({
      asNobody: isRoot,
      within: ['sh', '-c', 'if [ -n "$LIMITED" ]; then ulimit -n 512; exec nice -n 5 "$@"; fi; exec "$@"', 'sh'],
    });
    const service = (rest: object) => ({ command: ['sh', '-c', 'ulimit -n; nice; umask; exec sleep 1000'], ...rest });
    reeve.project({ services: { a: service({}) } });
    const first = await up(reeve, { LIMITED: '1' });
    expect(first).toContain('at most 512 open files (usual: 1024), niceness 5 (usual: 0)');
    expect(first).toContain('from a shell without this');

    reeve.project({
      services: {
        a: service({}),
        own: service({ limits: { nofile: 300 }, nice: 7, umask: '027', ready: { log: '^0027$' } }),
        files: service({ limits: { nofile: 600 } }),
        polite: service({ nice: 2 }),
      },
    });
    const second = await reeve.run(['up', '-d']);
    expect(second.stderr).toMatch(
      /services inherit from the shell .* at most 512 open files \(this shell: \d+\), niceness 5/,
    );
    expect(second.stderr).toContain('reeve daemon stop --with-services; then reeve up, from this shell');
    expect(second.stdout).toContain('its limits.nofile is 600, but the hard limit that reeve was started with is 512');
    expect(second.stdout).toContain('its nice is 2, but this user may not start anything with a niceness below 5');
    expect(await linesOf(reeve, 'own')).toEqual(['300', '7', '0027']);
    const { problems } = await reeve.json<DaemonAbout>(['daemon', 'status']);
    expect(problems.map(({ code }) => code)).toEqual(['session_limited']);

    await reeve.run(['daemon', 'stop', '--with-services']);
    expect(await up(reeve, {})).not.toContain('inherit');
  });
});
