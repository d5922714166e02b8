import { execFile, spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, readFileSync, realpathSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { promisify } from 'node:util';
import { describe, expect, test } from 'vitest';
import { call } from '../contract-suites/service-client.ts';
import { world } from '../contract-suites/speaker.ts';
import { startReeve } from '../harness/reeve.ts';
import { until } from '../harness/until.ts';

const run = promisify(execFile);
const library = path.resolve(import.meta.dirname, '../../packages/sdk-python');
/** What docs/guide/python.md shows; the check of generated files sees to it that it does. */
const examples = path.resolve(import.meta.dirname, '../../examples/python');
const hasPython = spawnSync('python3', ['--version']).status === 0;

const example = (name: string) => readFileSync(path.join(examples, name), 'utf8');

describe.skipIf(!hasPython)('the Python library (apt-get install python3)', () => {
  // It starts some hundred programs, one after the other.
  test('passes its own tests', { timeout: 400_000 }, async () => {
    const { stderr } = await run('python3', ['-B', '-m', 'unittest', 'discover', '-s', 'tests'], { cwd: library });
    expect(stderr).toMatch(/Ran \d{2,} tests[\s\S]*\nOK/);
  });

  test("the guide's web editor answers, tells its data, and is found by the guide's other program", async () => {
    await using here = world();
    const env = { PYTHONPATH: library, PYTHONDONTWRITEBYTECODE: '1', PORT: '0' };
    writeFileSync(path.join(here.folder, 'web_editor.py'), example('web_editor.py'));
    writeFileSync(path.join(here.folder, 'restart_streams.py'), example('restart_streams.py'));
    const service = here.start({ name: 'Python', command: ['python3', '-u', 'web_editor.py'] }, {}, env);
    await until('it is ready', () => existsSync(here.file('json')) && here.card().ready);
    const { port } = here.card().data as { port: number };
    expect((await fetch(`http://127.0.0.1:${port}/`)).status).toBe(200);
    const finder = here.start({ name: 'Python', command: ['python3', '-u', 'restart_streams.py'] }, {}, env);
    expect((await finder.ended).code, finder.stderr()).toBe(0);
    expect(finder.lines).toContain('web-editor: done');
    await call(here.file('sock'), 'shutdown', { reason: null, timeout: null });
    expect(await service.ended, service.stderr()).toEqual({ code: 0, signal: null });
  });

  test("U25: the guide's process manager does what it says, and leaves nothing", async () => {
    await using here = world();
    writeFileSync(path.join(here.folder, 'manager.py'), example('manager.py'));
    const env = { PYTHONPATH: library, PYTHONDONTWRITEBYTECODE: '1' };
    const manager = here.start({ name: 'Python', command: ['python3', '-u', 'manager.py'] }, {}, env);
    expect(await manager.ended, manager.stderr()).toEqual({ code: 0, signal: null });
    expect(manager.lines).toEqual([
      'True True',
      'protected',
      '[True]',
      'True',
      "['nightly-job']",
      '0 not_found',
      'True already_running True',
      'done',
      'bye',
    ]);
  });

  test('U25: services of a daemon are listed and hunted as its own, and ended through it, so that they stay so', async () => {
    await using reeve = startReeve();
    const command = [...reeve.program('stays')];
    reeve.project({ project: 'shop', services: { web: { command, restart: 'always' }, db: { command } } });
    expect((await reeve.run(['up', '-d'])).code).toBe(0);
    reeve.file(
      'look.py',
      `
import json, reeve
web, = [each for each in reeve.hunt("shop/web") if "name" in each.found_by]
own = reeve.ManagedService("by-hand").open()
rows = [(each.name, each.state, each.managed_by, each.pid == web.pid) for each in reeve.list_services()]
killed = reeve.kill_service("web", grace=1)
after = [(each.name, each.state) for each in reeve.list_services() if each.name != "by-hand"]
mark = ${JSON.stringify(path.dirname(reeve.home))}
left = reeve.kill_pattern("stays.*" + mark)
again = reeve.kill_service("web")
print(json.dumps([web.project, web.ours, rows, killed.reason, killed.processes[0].pid == web.pid, after, left.reason, again.reason]))
`,
    );
    const env = { ...process.env, REEVE_HOME: reeve.home, PYTHONPATH: library, PYTHONDONTWRITEBYTECODE: '1' };
    const { stdout } = await run('python3', ['look.py'], { cwd: reeve.folder, env });
    expect(JSON.parse(stdout)).toEqual([
      'shop',
      true,
      [
        ['by-hand', 'starting', 'self', false],
        ['db', 'running', 'daemon', false],
        ['web', 'running', 'daemon', true],
      ],
      'done',
      true,
      [
        ['db', 'running'],
        ['web', 'stopped'],
      ],
      'done',
      'not_found',
    ]);
    const { services } = await reeve.json<{ services: { name: string; state: string; intent: string }[] }>(['ps']);
    for (const name of ['web', 'db'])
      expect(services).toContainEqual(expect.objectContaining({ name, state: 'stopped', intent: 'down' }));
  });

  test("the guide's sd_notify service, which needs no library, is ready when it says so", async () => {
    await using reeve = startReeve();
    reeve.file('worker.py', example('worker.py'));
    reeve.project({ services: { worker: { command: ['python3', '-u', 'worker.py'], ready: 'notify' } } });
    const up = await reeve.run(['up', '-d', '--timeout', '60s']);
    expect(up.code, up.stderr + up.stdout).toBe(0);
    expect((await reeve.run(['stop'])).code).toBe(0);
  });

  test('makes a wheel with no tool and no network, typed', async () => {
    const target = realpathSync(mkdtempSync(path.join(tmpdir(), 'rpip-')));
    try {
      mkdirSync(path.join(target, 'site'));
      const build = `import build_backend; print(build_backend.build_wheel(${JSON.stringify(target)}))`;
      const { stdout } = await run('python3', ['-B', '-c', build], { cwd: library });
      const unpack = `import sys, zipfile; zipfile.ZipFile(sys.argv[1]).extractall(sys.argv[2])`;
      await run('python3', ['-c', unpack, path.join(target, stdout.trim()), path.join(target, 'site')]);
      expect(existsSync(path.join(target, 'site/reeve/py.typed'))).toBe(true);
      const env = { ...process.env, PYTHONPATH: path.join(target, 'site') };
      const asked = await run('python3', ['-c', 'import reeve; print(reeve.__file__)'], { env, cwd: target });
      expect(asked.stdout).toContain(path.join(target, 'site/reeve/__init__.py'));
    } finally {
      rmSync(target, { recursive: true, force: true });
    }
  });
});
