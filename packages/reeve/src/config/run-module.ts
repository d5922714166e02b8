import { createRequire } from 'node:module';
import { dirname } from 'node:path';
import { pathToFileURL } from 'node:url';
import { ReeveError } from '@reeve/contract';
import { deadlineIn, describeLeft, type LimitedEnd, runLimited } from '@reeve/host';
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
  const answer = await evaluate(file, env, timeout);
  if ('json' in answer) return answer.json;
  const message = 'wrong' in answer ? answer.wrong : `it threw ${firstLines(answer.thrown)}`;
  throw new ReeveError('CONFIG_INVALID', {
    message: visible(`${file}: ${message}`),
    hint: 'export a plain object: export default defineConfig({ services: … })',
  });
}

async function evaluate(
  file: string,
  { NODE_OPTIONS: _, ...env }: Readonly<Record<string, string | undefined>>,
  timeout: number,
): Promise<Answer> {
  const jiti = pathToFileURL(createRequire(import.meta.url).resolve('jiti')).href;
  const deadline = deadlineIn(timeout);
  const end = await runLimited({
    argv: [process.execPath, '--input-type=module', '-e', CHILD, jiti, file],
    cwd: dirname(file),
    env,
    signal: deadline.signal,
    result: { fd: 3, most: MAX_BYTES * 2 },
    leftovers: 'end',
  });
  deadline.clear();
  if (end.how === 'exited' && end.result !== '') return JSON.parse(end.result) as Answer;
  throw new ReeveError('CONFIG_INVALID', {
    message: visible(`${file}: ${whyNot(end, timeout)}`),
    hint: 'a config only declares: no servers, no waiting',
  });
}

function whyNot(end: LimitedEnd, timeout: number): string {
  const said = end.tail.trim() === '' ? '' : `: ${firstLines(end.tail.trim())}`;
  switch (end.how) {
    case 'exited':
      return `it ended its process (${end.by ?? `code ${end.code}`}) before it gave a value${said}`;
    case 'refused':
      return `it cannot be evaluated: ${end.error.message}`;
    case 'too_much':
      return `its value is larger than ${MAX_BYTES} bytes`;
    case 'stopped':
      return `it took longer than ${timeout / 1000}s and was ended`;
    case 'unended':
      return `it is not evaluated again: of the last time ${describeLeft(end.left)}`;
  }
}

function firstLines(text: string): string {
  return text.split('\n').slice(0, 3).join('\n').trim();
}
