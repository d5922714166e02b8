import { execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  realpathSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';

const root = path.resolve(import.meta.dirname, '../..');
let base: string;
let tarball: string;

beforeAll(() => {
  base = realpathSync(mkdtempSync(path.join(tmpdir(), 'rv-pack-')));
  const [packed] = JSON.parse(npm(path.join(root, 'packages/sdk'), ['pack', '--json', '--pack-destination', base])) as [
    { filename: string },
  ];
  tarball = path.join(base, packed.filename);
});
afterAll(() => rmSync(base, { recursive: true, force: true }));

function npm(cwd: string, args: readonly string[]): string {
  const quiet = { ...process.env, npm_config_loglevel: 'error', npm_config_update_notifier: 'false' };
  return execFileSync('npm', args, { cwd, env: quiet, encoding: 'utf8' });
}

/** A project of its own into which the tarball alone was installed, with nothing to download it from. */
function project(name: string, manifest: object, files: Readonly<Record<string, string>>): string {
  const folder = path.join(base, name);
  mkdirSync(folder);
  writeFileSync(
    path.join(folder, 'package.json'),
    JSON.stringify({ name, version: '1.0.0', private: true, ...manifest }),
  );
  for (const [file, text] of Object.entries(files)) writeFileSync(path.join(folder, file), text);
  npm(folder, ['install', '--offline', '--no-audit', '--no-fund', tarball]);
  return folder;
}

/** What a TypeScript project has besides; declarations are checked too. */
function compile(folder: string): void {
  mkdirSync(path.join(folder, 'node_modules/@types'), { recursive: true });
  for (const each of ['@types/node', 'undici-types'])
    symlinkSync(path.join(root, 'node_modules', each), path.join(folder, 'node_modules', each));
  const options = {
    module: 'nodenext',
    target: 'es2023',
    lib: ['es2023', 'esnext.disposable'],
    strict: true,
    exactOptionalPropertyTypes: true,
    skipLibCheck: false,
    types: ['node'],
    outDir: 'out',
  };
  writeFileSync(
    path.join(folder, 'tsconfig.json'),
    JSON.stringify({ compilerOptions: options, include: ['*.ts', '*.mts', '*.cts'] }),
  );
  try {
    execFileSync(process.execPath, [path.join(root, 'node_modules/typescript/bin/tsc')], {
      cwd: folder,
      encoding: 'utf8',
    });
  } catch (error) {
    throw new Error((error as { stdout: string }).stdout);
  }
}

async function run(
  folder: string,
  file: string,
): Promise<{ code: number | null; lines: readonly string[]; stderr: string }> {
  const env = { PATH: process.env['PATH'], HOME: folder, REEVE_HOME: path.join(folder, 'home'), REEVE_PROJECT: 'shop' };
  const child = spawn(process.execPath, [file], { cwd: folder, env, stdio: ['ignore', 'pipe', 'pipe'] });
  let stdout = '';
  let stderr = '';
  child.stdout.on('data', (chunk: Buffer) => {
    stdout += chunk.toString();
  });
  child.stderr.on('data', (chunk: Buffer) => {
    stderr += chunk.toString();
  });
  const [code] = (await once(child, 'close')) as [number | null];
  return { code, lines: stdout.trim().split('\n'), stderr };
}

const body = `
class WebEditor extends ManagedService {
  constructor() {
    super('web-editor', 'shop-web-editor');
  }
  async run() {
    this.register({ port: 8081 });
    await this.ready();
    const found = await discoverService('web-editor');
    console.log(found?.live, (await found?.status())?.ready, found?.ports);
    try {
      await WebEditor.open();
    } catch (error) {
      console.log(error instanceof AlreadyRunning && error.pid === process.pid);
    }
    const result = await getProcessManager().killProcessById(1);
    if (!result.ok) console.log(result.reason);
  }
}
`;
const names = 'AlreadyRunning, discoverService, getProcessManager, ManagedService';
const expected = ['true true [ 8081 ]', 'true', 'protected'];

test('U29: what the guide says of a checkout works: the command on the PATH, the library in a program', () => {
  const prefix = path.join(base, 'prefix');
  const env = { npm_config_prefix: prefix, npm_config_offline: 'true', PATH: `${prefix}/bin:${process.env['PATH']}` };
  const sh = (cwd: string, lines: string) =>
    execFileSync('sh', ['-ec', lines], { cwd, env: { ...process.env, ...env }, encoding: 'utf8' });
  const page = readFileSync(path.join(root, 'docs/guide/checkout.md'), 'utf8');
  const shown = [
    ...page
      .replaceAll('/tmp', base) // first: the checkout may lie in /tmp itself
      .replaceAll('/path/to/checkout', root)
      .matchAll(/^```sh\n(.*?)^```/gms),
  ];
  const [link = '', pack = '', linkLibrary = '', packLibrary = ''] = shown.map(([, lines]) => lines);

  expect(sh(root, link)).toMatch(/^reeve \d/m);
  expect(link).toContain('npm link');
  // What it depends on would come from a registry: it is packed here, and not installed.
  const [packed] = JSON.parse(sh(root, `${pack.split('\n')[0]} --json`)) as readonly [
    { readonly files: readonly { readonly path: string }[] },
  ];
  expect(packed.files.map((file) => file.path)).toEqual(expect.arrayContaining(['bin/reeve.js', 'dist/cli.js']));
  for (const [name, lines] of Object.entries({ linkLibrary, packLibrary })) {
    const folder = path.join(base, name);
    mkdirSync(folder);
    writeFileSync(path.join(folder, 'package.json'), JSON.stringify({ name, version: '1.0.0', type: 'module' }));
    const program = "import { ReeveClient } from '@reeve/sdk'; console.log(typeof ReeveClient);";
    writeFileSync(path.join(folder, 'a.js'), program);
    sh(folder, lines);
    expect(sh(folder, 'node a.js'), name).toBe('function\n');
  }
});

describe('the packed sdk', () => {
  test('has no install script, no dependency and no native module', () => {
    const folder = project('bare', {}, {});
    const installed = path.join(folder, 'node_modules/@reeve/sdk');
    const manifest = JSON.parse(readFileSync(path.join(installed, 'package.json'), 'utf8')) as Record<string, unknown>;
    expect(manifest['scripts'] ?? {}).toEqual({});
    expect(manifest['dependencies'] ?? {}).toEqual({});
    expect(manifest['optionalDependencies'] ?? {}).toEqual({});
    expect(existsSync(path.join(folder, 'node_modules/koffi'))).toBe(false);
    const files = readdirSync(installed, { recursive: true, encoding: 'utf8' });
    expect(files.filter((file) => file.endsWith('.node') || file.endsWith('.ts') !== file.endsWith('.d.ts'))).toEqual(
      [],
    );
    for (const file of files.filter((each) => each.endsWith('.d.ts'))) {
      expect(readFileSync(path.join(installed, file), 'utf8'), file).not.toMatch(/from '@reeve\//);
    }
  });

  test('type-checks and runs in a TypeScript project of ES modules, with `await using`', async () => {
    const code = `import { ${names} } from '@reeve/sdk';\n${body}\nawait using service = await WebEditor.open();\nawait service.run();\n`;
    const folder = project('ts-esm', { type: 'module' }, { 'main.ts': code });
    compile(folder);
    expect(await run(folder, 'out/main.js')).toEqual({ code: 0, lines: expected, stderr: '' });
  });

  test('type-checks and runs in a TypeScript project of CommonJS', async () => {
    const code = `import { ${names} } from '@reeve/sdk';\n${body}\nvoid WebEditor.main();\n`;
    const folder = project('ts-cjs', { type: 'commonjs' }, { 'main.ts': code });
    compile(folder);
    expect(readFileSync(path.join(folder, 'out/main.js'), 'utf8')).toContain('require("@reeve/sdk")');
    expect(await run(folder, 'out/main.js')).toEqual({ code: 0, lines: expected, stderr: '' });
  });

  test('runs in plain JavaScript, as a module and as CommonJS', async () => {
    const twin =
      'const service = await WebEditor.open();\ntry {\n  await service.run();\n} finally {\n  await service.close();\n}\n';
    const folder = project(
      'js',
      {},
      {
        'main.mjs': `import { ${names} } from '@reeve/sdk';\n${body}\n${twin}`,
        'main.cjs': `const { ${names} } = require('@reeve/sdk');\n${body}\n(async () => {\n${twin}})();\n`,
      },
    );
    expect(await run(folder, 'main.mjs')).toEqual({ code: 0, lines: expected, stderr: '' });
    expect(await run(folder, 'main.cjs')).toEqual({ code: 0, lines: expected, stderr: '' });
  });

  test('loaded twice, as a module and as CommonJS, it is one process manager', async () => {
    const folder = project(
      'twice',
      {},
      {
        'main.mjs':
          "import * as one from '@reeve/sdk';\nimport { createRequire } from 'node:module';\nconst two = createRequire(import.meta.url)('@reeve/sdk');\nconsole.log(one.ManagedService === two.ManagedService, one.getProcessManager() === two.getProcessManager());\n",
      },
    );
    expect((await run(folder, 'main.mjs')).lines).toEqual(['false true']);
  });
});
