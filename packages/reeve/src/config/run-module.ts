import { type ChildProcess, spawn } from 'node:child_process';
import { createRequire } from 'node:module';
import { dirname } from 'node:path';
import type { Readable } from 'node:stream';
import { pathToFileURL } from 'node:url';
import { ReeveError } from '@reeve/contract';
import { after } from '@reeve/host';
import { visible } from './problems.ts';
import { MAX_BYTES } from './tree.ts';

/** A config is a declaration: what takes longer is stuck. */
const MODULE_TIMEOUT = 10_000;

/**
 * The child: loads the module with jiti, hands the value over as JSON on descriptor 3. Whatever the module prints goes
 * to its own stdout. It is given as text so that it needs no file beside ours once we are bundled.
 */
const CHILD = `
const { createJiti } = await import(process.argv[1]);
const { writeFileSync } = await import('node:fs');
const file = process.argv[2];
const jiti = createJiti(file, { fsCache: false, moduleCache: false, tryNative: false, interopDefault: false,
  virtualModules: { 'reeve/config': { defineConfig: (config) => config } } });
const tell = (answer) => { writeFileSync(3, JSON.stringify(answer)); process.exit(0); };
try {
  const module = await jiti.import(file);
  const value = await (module.default === undefined && !module.__esModule ? module : module.default);
  if (value === undefined) tell({ wrong: 'it has no default export', path: '' });
  const odd = (v, path) => {
    const kind = typeof v;
    if (kind === 'function' || kind === 'symbol' || kind === 'bigint' || (kind === 'number' && !Number.isFinite(v))) return { kind: kind === 'number' ? String(v) : 'a ' + kind, path };
    if (v === null || kind !== 'object') return null;
    if (path.split('.').length > 40) return { kind: 'a value that contains itself, or is nested too deep', path: path.split('.').slice(0, 4).join('.') };
    for (const key of Object.keys(v)) { const found = odd(v[key], path ? path + '.' + key : key); if (found) return found; }
    return null;
  };
  const found = odd(value, '');
  if (found) tell({ wrong: found.path ? found.path + ' is ' + found.kind : 'its default export is ' + found.kind, path: found.path });
  tell({ json: JSON.stringify(value) });
} catch (error) {
  tell({ thrown: error instanceof Error ? String(error.stack ?? error.message) : String(error) });
}
`;

type Answer = { readonly json: string } | { readonly wrong: string } | { readonly thrown: string };

/**
 * The default export of a TS or JS config as JSON text, evaluated in a short-lived child process of its own session.
 * Throws a `ReeveError` CONFIG_INVALID when it throws, exports nothing that JSON can hold, or takes longer than `timeout` ms.
 */
export async function runModule(
  file: string,
  env: Readonly<Record<string, string | undefined>>,
  timeout = MODULE_TIMEOUT,
): Promise<string> {
  const jiti = pathToFileURL(createRequire(import.meta.url).resolve('jiti')).href;
  const { NODE_OPTIONS: _, ...inherited } = env;
  const child = spawn(process.execPath, ['--input-type=module', '-e', CHILD, jiti, file], {
    cwd: dirname(file),
    env: inherited,
    stdio: ['ignore', 'pipe', 'pipe', 'pipe'],
    detached: true,
  });
  const answer = await collect(child, file, timeout);
  if ('json' in answer) return answer.json;
  const message = 'wrong' in answer ? answer.wrong : `it threw ${firstLines(answer.thrown)}`;
  throw new ReeveError('CONFIG_INVALID', {
    message: visible(`${file}: ${message}`),
    hint: 'export a plain object: export default defineConfig({ services: … })',
  });
}

async function collect(child: ChildProcess, file: string, timeout: number): Promise<Answer> {
  const [, stdout, stderr, result] = child.stdio as unknown as [null, Readable, Readable, Readable];
  const talk = tail(stdout, stderr);
  const late = { is: false };
  const timer = after(timeout, () => {
    late.is = true;
    endGroup(child);
    result.destroy();
  });
  try {
    const [json, ended] = await Promise.all([read(result, child), exitOf(child)]);
    const refuse = (why: string): never => {
      throw new ReeveError('CONFIG_INVALID', {
        message: visible(`${file}: ${why}`),
        hint: 'a config only declares: no servers, no waiting',
      });
    };
    if (late.is) return refuse(`it took longer than ${timeout / 1000}s and was ended`);
    if (json === null) return refuse(`its value is larger than ${MAX_BYTES} bytes`);
    if (json === '')
      return refuse(
        `it ended its process (${ended}) before it gave a value${talk() === '' ? '' : `: ${firstLines(talk())}`}`,
      );
    return JSON.parse(json) as Answer;
  } finally {
    timer.cancel();
    if (child.exitCode === null && child.signalCode === null) endGroup(child);
  }
}

/** The child leads a session of its own (detached), so its group is ours to end, with whatever it started. */
function endGroup(child: ChildProcess): void {
  if (child.pid === undefined) return;
  try {
    process.kill(-child.pid, 'SIGKILL');
  } catch (error) {
    // ESRCH: no process is left in it.
    if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error;
  }
}

async function exitOf(child: ChildProcess): Promise<string> {
  return new Promise((resolve, reject) => {
    child.once('error', reject);
    child.once('exit', (code, signal) => resolve(signal ?? `code ${code}`));
  });
}

/** All of it, or null when it is too large. Somebody the child left behind may hold the pipe: its exit ends the reading. */
async function read(stream: Readable, child: ChildProcess): Promise<string | null> {
  const chunks: Buffer[] = [];
  let size = 0;
  stream.on('data', (chunk: Buffer) => {
    size += chunk.length;
    if (size <= MAX_BYTES * 2) chunks.push(chunk);
    else endGroup(child);
  });
  child.once('exit', () => endGroup(child));
  await new Promise<void>((resolve) => stream.once('close', resolve));
  return size > MAX_BYTES * 2 ? null : Buffer.concat(chunks).toString('utf8');
}

/** The last that was printed; the streams are always drained. */
function tail(...streams: readonly Readable[]): () => string {
  let text = '';
  for (const stream of streams)
    stream.on('data', (chunk: Buffer) => {
      text = (text + chunk.toString('utf8')).slice(-4000);
    });
  return () => text.trim();
}

function firstLines(text: string): string {
  return text.split('\n').slice(0, 3).join('\n').trim();
}
