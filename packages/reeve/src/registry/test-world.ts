import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { build } from 'esbuild';
import { DRIVER_NAMES, type Driver, tryDriver } from './driver.ts';

// What the registry's tests stand on: a folder, the drivers that there are, and other processes.

export interface TestFolder extends Disposable {
  readonly path: string;
  readonly file: string;
}
export function testFolder(): TestFolder {
  const path = mkdtempSync(join(tmpdir(), 'reeve-registry-'));
  return { path, file: join(path, 'reeve.db'), [Symbol.dispose]: () => rmSync(path, { recursive: true, force: true }) };
}

/** Those that can be loaded on this Node. */
export const drivers: readonly (readonly [string, Driver])[] = DRIVER_NAMES.map(tryDriver)
  .filter((driver) => typeof driver !== 'string')
  .map((driver) => [driver.name, driver] as const);

const modules = resolve(import.meta.dirname, '../../../../node_modules');

export interface TestProgram extends Disposable {
  /** Its argv, without the program's own arguments. */
  readonly argv: readonly [string, string];
  start(...args: readonly string[]): ChildProcess;
}
/** Another process that runs `source`, a module as it would stand in this folder. */
export async function testProgram(source: string): Promise<TestProgram> {
  // Below node_modules, so that the driver is found from there.
  const folder = mkdtempSync(join(modules, '.reeve-registry-'));
  const outfile = join(folder, 'program.mjs');
  await build({
    stdin: { contents: source, resolveDir: import.meta.dirname, loader: 'ts' },
    outfile,
    bundle: true,
    platform: 'node',
    format: 'esm',
    conditions: ['reeve-source'],
    external: ['@photostructure/sqlite'],
    logLevel: 'warning',
  });
  return {
    argv: [process.execPath, outfile],
    start: (...args) => spawn(process.execPath, [outfile, ...args], { stdio: ['pipe', 'pipe', 'inherit'] }),
    [Symbol.dispose]: () => rmSync(folder, { recursive: true, force: true }),
  };
}

export interface Told {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
  readonly lines: readonly string[];
}
/** Everything that a program printed until its end; `onLine` is called with each line as it comes. */
export async function listen(child: ChildProcess, onLine: (count: number) => void = () => {}): Promise<Told> {
  const lines: string[] = [];
  let rest = '';
  child.stdout?.setEncoding('utf8').on('data', (chunk: string) => {
    const parts = (rest + chunk).split('\n');
    rest = parts.pop() ?? '';
    for (const line of parts) {
      lines.push(line);
      onLine(lines.length);
    }
  });
  const [code, signal] = (await once(child, 'close')) as [number | null, NodeJS.Signals | null];
  return { code, signal, lines };
}

/** `Promise.withResolvers`, which Node 20 does not have. */
export function withResolvers(): { readonly promise: Promise<void>; readonly resolve: () => void } {
  let resolve: () => void = () => {};
  const promise = new Promise<void>((done) => {
    resolve = done;
  });
  return { promise, resolve };
}
