import { existsSync } from 'node:fs';
import { mkdir, mkdtemp, readFile, realpath, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { loadConfig } from './load.ts';
import { ConfigError } from './problems.ts';
import { runModule } from './run-module.ts';

let root = '';
let count = 0;
const env = { PATH: process.env['PATH'], HOME: '/nonexistent' };

beforeAll(async () => {
  root = await realpath(await mkdtemp(join(tmpdir(), 'reeve-module-')));
});
afterAll(async () => {
  await rm(root, { recursive: true });
});
async function module(
  text: string,
  name = 'reeve.config.ts',
  others: Readonly<Record<string, string>> = {},
): Promise<string> {
  const made = join(root, `m${count++}`);
  await mkdir(made);
  for (const [file, body] of Object.entries({ ...others, [name]: text }))
    await writeFile(join(made, file), body, { mode: 0o644 });
  return join(made, name);
}
const load = async (file: string) => loadConfig({ cwd: root, file, env });

describe('a config that is a program', () => {
  test('in TypeScript may import, compute and print', async () => {
    const file = await module(
      "import { defineConfig } from 'reeve/config';\nimport { port } from './ports.ts';\nconsole.log('noise {\"json\":1}');\nconsole.error('more');\nconst n: number = port + 1;\nexport default defineConfig({ services: { web: { command: ['node', 'x.js'], ports: { http: n } } } });\n",
      'reeve.config.ts',
      { 'ports.ts': 'export const port: number = 8080;\n' },
    );
    const { project } = await load(file);
    expect(project.services[0]).toMatchObject({ name: 'web', ports: [{ name: 'http', port: 8081 }] });
  });
  test.each([
    ['reeve.config.mts', 'export default { services: { a: { command: "x" as string } } };'],
    ['reeve.config.js', 'export default { services: { a: { command: "x" } } };'],
    ['reeve.config.js', 'module.exports = { services: { a: { command: "x" } } };'],
    ['reeve.config.mjs', 'export default Promise.resolve({ services: { a: { command: "x" } } });'],
  ])('%s: %s', async (name, text) => {
    expect((await load(await module(text, name))).project.services.map((one) => one.name)).toEqual(['a']);
  });
  test('names the path where it has no line', async () => {
    const error = await load(
      await module('export default { services: { web: { command: "x", ports: "8080", comand: 1 } } };'),
    ).catch((thrown: unknown) => thrown);
    expect(error).toBeInstanceOf(ConfigError);
    const { problems, message } = error as ConfigError;
    expect(problems.map(({ path, line, near }) => [path, line, near])).toEqual([
      ['services.web.ports', null, null],
      ['services.web.comand', null, null],
    ]);
    expect(message).toContain('✗ reeve.config.ts  services.web.ports: is "8080"');
  });
  test.each([
    ['throws', 'throw new Error("no luck");', 'it threw Error: no luck'],
    ['does not parse', 'export default {', 'it threw'],
    ['exports nothing', 'export const a = 1;', 'no default export'],
    ['exports a function', 'export default () => ({});', 'its default export is a function'],
    [
      'holds a function',
      'export default { services: { a: { command: () => 1 } } };',
      'services.a.command is a function',
    ],
    ['contains itself', 'const a: any = { services: {} }; a.services.a = a; export default a;', 'contains itself'],
    [
      'ends its process',
      'console.error("bye"); process.exit(3);',
      'ended its process (code 3) before it gave a value: bye',
    ],
    ['imports what is not there', 'import "./gone.ts"; export default {};', 'gone.ts'],
  ])('one that %s is refused with the reason', async (_, text, words) => {
    await expect(load(await module(text))).rejects.toMatchObject({
      code: 'CONFIG_INVALID',
      exit: 2,
      message: expect.stringContaining(words),
    });
  });
  test('one that does not end is ended, with what it started', async () => {
    const file = await module(
      "import { spawn } from 'node:child_process';\nimport { writeFileSync } from 'node:fs';\nconst child = spawn('sleep', ['600'], { stdio: 'ignore' });\nwriteFileSync('pid', String(child.pid));\nfor (;;) {}\n",
    );
    await expect(runModule(file, env, 1500)).rejects.toMatchObject({
      code: 'CONFIG_INVALID',
      message: expect.stringContaining('longer than 1.5s'),
    });
    const pid = await readFile(join(file, '..', 'pid'), 'utf8');
    const stat = existsSync(`/proc/${pid}/stat`) ? await readFile(`/proc/${pid}/stat`, 'utf8').catch(() => '') : '';
    // Gone, or a zombie that its new parent has not reaped yet.
    expect(stat === '' || stat.includes(') Z ')).toBe(true);
  });
  test('one that leaves timers running gives its value at once', async () => {
    const file = await module('setInterval(() => {}, 1000); export default { services: {} };');
    expect(JSON.parse(await runModule(file, env))).toEqual({ services: {} });
  });
  test('a large value comes through whole', async () => {
    const file = await module('export default { services: {}, env: { A: "x".repeat(400_000) } };');
    expect((await runModule(file, env)).length).toBeGreaterThan(400_000);
  });
});
