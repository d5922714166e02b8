import { spawnSync } from 'node:child_process';
import { chmodSync, copyFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { copiesOf, eventsOf, untilService } from '../harness/ask.ts';
import { startReeve, type TestReeve } from '../harness/reeve.ts';
import { until } from '../harness/until.ts';
import { daemonOf, kill } from '../harness/victims.ts';

const SETPRIV = '/usr/bin/setpriv';

/** argv that runs another command as root for any user: what `sudo` is without a password. */
function asRoot(reeve: TestReeve, ...argv: readonly string[]): readonly string[] {
  const file = `${reeve.folder}/becomes-root`;
  copyFileSync(SETPRIV, file);
  chmodSync(file, 0o4755);
  return [file, '--reuid', '0', '--regid', '0', '--clear-groups', '--', ...argv];
}

/** Not where file systems or the session ignore the setuid bit. */
function canBecomeRoot(reeve: TestReeve): boolean {
  const [file = '', ...args] = asRoot(reeve, 'id', '-u');
  return spawnSync(SETPRIV, ['--reuid', '65534', '--', file, ...args], { encoding: 'utf8' }).stdout.trim() === '0';
}

/** Ends the copies that reeve may not end. */
async function endCopies(reeve: TestReeve, text: string): Promise<void> {
  const ended = copiesOf(reeve, text);
  for (const pid of ended) kill(pid);
  await until('they are gone', () => !copiesOf(reeve, text).some((pid) => ended.includes(pid)));
}

const isRoot = process.getuid?.() === 0;

test.runIf(isRoot)(
  'D3: a check that has become root and hangs ends no daemon, and there is one copy of it',
  async (context) => {
    await using reeve = startReeve({ asNobody: true });
    if (!canBecomeRoot(reeve)) context.skip('the setuid bit has no effect here');
    const command = asRoot(reeve, ...reeve.program('stays', 'role=check'));
    const health = { command, interval: '100ms', timeout: '1s', retries: 2, start_period: 0 };
    reeve.project({
      services: {
        web: { command: [...reeve.program('stays')], ready: { delay: '10ms' }, health, on_unhealthy: 'alert' },
      },
    });
    expect((await reeve.run(['up', '-d'])).code).toBe(0);
    const daemon = daemonOf(reeve);
    const answers = async (wanted: number) => {
      const { instances } = await untilService(
        reeve,
        'web',
        (s) => (s.instances[0]?.health_history.length ?? 0) >= wanted,
      );
      return (instances[0]?.health_history ?? []).map(({ what }) => what);
    };
    const said = await answers(5);
    const [first, ...more] = copiesOf(reeve, 'role=check');
    expect(more).toEqual([]);
    const once = `is not run again while the last attempt cannot be ended; pid ${first} .* is still running: .*root`;
    expect(said.at(-1)).toMatch(new RegExp(once));
    expect(daemonOf(reeve)).toBe(daemon);
    const unhealthy = (await eventsOf(reeve, 'web')).filter(({ event }) => event === 'service.unhealthy');
    expect(unhealthy).toHaveLength(1);
    await endCopies(reeve, 'role=check');
    await until('it is checked again', () => copiesOf(reeve, 'role=check').some((pid) => pid !== first));
    const stop = reeve.run(['stop']);
    await untilService(reeve, 'web', (s) => s.state !== 'running');
    await until('the last copy is gone', () => {
      for (const pid of copiesOf(reeve, 'role=check')) kill(pid);
      return copiesOf(reeve, 'role=check').length === 0;
    });
    expect((await stop).code).toBe(0);
  },
);

test.runIf(isRoot)(
  'D3: a config and a secret whose programs leave a process of root give their values',
  async (context) => {
    await using reeve = startReeve({ asNobody: true });
    if (!canBecomeRoot(reeve)) context.skip('the setuid bit has no effect here');
    const argv = asRoot(reeve, ...reeve.program('stays', 'role=left'));
    // Each waits until the other program is root: before that it could still be ended.
    const leave = `
    const { spawn } = require('node:child_process');
    const child = spawn(${JSON.stringify(argv[0])}, ${JSON.stringify(argv.slice(1))}, { stdio: 'ignore' });
    child.unref();
    while (!/^Uid:\\s0\\s/m.test(require('node:fs').readFileSync('/proc/' + child.pid + '/status', 'utf8')));`;
    const words = argv.map((word) => `'${word}'`).join(' ');
    const secret = `${words} >/dev/null 2>&1 & until grep -q '^Uid:[[:space:]]0[[:space:]]' /proc/$!/status; do :; done; echo hidden`;
    const service = { command: 'test "$TOKEN" = hidden', oneshot: true, secrets: { TOKEN: { command: secret } } };
    const config = `${leave}\nmodule.exports = ${JSON.stringify({ services: { job: service } })};`;
    reeve.file('reeve.config.js', config);
    const up = await reeve.run(['up', '-d']);
    const left = copiesOf(reeve, 'role=left');
    await endCopies(reeve, 'role=left');
    expect(up.code, up.stderr).toBe(0);
    expect(left).toHaveLength(2);
  },
);
