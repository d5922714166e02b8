import { realpath } from 'node:fs/promises';
import { basename, dirname, extname, join, resolve } from 'node:path';
import { type GuardPolicy, type ProjectSpec, ReeveError } from '@reeve/contract';
import { locateConfig } from '@reeve/host';
import { filterEnvironment } from '../core/spec/environment.ts';
import { checkForm } from './check-form.ts';
import { findNotYet } from './not-yet.ts';
import { openConfig } from './open-config.ts';
import { Findings, type Source } from './problems.ts';
import { readJson } from './read-json.ts';
import { readProject } from './read-project.ts';
import { runModule } from './run-module.ts';
import { ConfigSchema } from './schema.ts';
import { placeOf, SyntaxProblem, type TreeNode } from './tree.ts';

export interface LoadOptions {
  readonly cwd: string;
  /** `--config FILE`, relative to `cwd`; without it the nearest one upwards. */
  readonly file?: string | undefined;
  /** The caller's environment, as it is. */
  readonly env: Readonly<Record<string, string | undefined>>;
}
export interface Loaded {
  readonly project: ProjectSpec;
  /** Allowed, and worth knowing: for `validate`. */
  readonly notes: readonly string[];
  /** Of these: which keys have no effect, yet or as the service stands. */
  readonly unacted: readonly string[];
  /** The name that the config asks for; the daemon may have to call it otherwise. */
  readonly wantedName: string;
  /** What the library does when one of the services is started manually. */
  readonly guard: GuardPolicy;
}

/**
 * Finds, trusts, parses and checks a config. Throws a `ConfigError` with every problem, or a `ReeveError`:
 * CONFIG_NOT_FOUND, CONFIG_AMBIGUOUS, CONFIG_UNTRUSTED, CONFIG_INVALID, NOTHING_FOUND.
 */
export async function loadConfig({ cwd, file, env }: LoadOptions): Promise<Loaded> {
  const named = file === undefined ? await locateConfig(cwd, env['HOME']) : resolve(cwd, file);
  const opened = await openConfig(named);
  const folder = await realpath(dirname(named));
  const path = join(folder, basename(named));
  const parsed = await parse(path, opened.text, env);
  const findings = new Findings();
  checkForm(parsed.root, ConfigSchema, [], findings);
  const hits = findNotYet(parsed.root);
  const read = await readProject({ ...parsed, file: path, folder, base: filterEnvironment(env), findings });
  for (const { row, path: where, node } of hits) {
    if (row.how !== 'refuse') continue;
    const key = placeOf(parsed.root, where, 'key');
    const at = row.values && node.kind === 'scalar' ? node.at : key;
    findings.add({ path: where, at, message: `is not supported by this version yet: ${row.advice}` });
  }
  if (findings.size > 0) throw findings.error(parsed.source);
  const later = hits.map(({ path: where, row }) => `${where.join('.')}: ${row.note ?? 'ignored: not implemented yet'}`);
  const unacted = [...later, ...read.idle];
  const notes = [...opened.notes, ...read.notes, ...unacted];
  return { project: read.project, notes, unacted, wantedName: read.project.name, guard: read.guard };
}

interface Parsed {
  readonly root: TreeNode;
  readonly text: string;
  readonly source: Source;
}

async function parse(file: string, text: string, env: LoadOptions['env']): Promise<Parsed> {
  switch (extname(file)) {
    case '.yaml':
    case '.yml': {
      // Loaded when needed: most commands never read YAML.
      const { readYaml } = await import('./read-yaml.ts');
      return parseText(file, text, readYaml);
    }
    case '.json':
      return parseText(file, text, (json) => (json.trim() === '' ? null : readJson(json)));
    case '.ts':
    case '.mts':
    case '.js':
    case '.mjs': {
      const json = await runModule(file, env);
      return {
        root: readOrRefuse({ file, text: null }, json, readJson) as TreeNode,
        text: json,
        source: { file, text: null },
      };
    }
    default:
      throw new ReeveError('CONFIG_INVALID', {
        message: `${file}: a config ends in .yaml, .yml, .json, .ts, .mts, .js or .mjs`,
        hint: 'rename it',
      });
  }
}

function parseText(file: string, text: string, read: (text: string) => TreeNode | null): Parsed {
  const source = { file, text };
  const root = readOrRefuse(source, text, read);
  if (root) return { root, text, source };
  const findings = new Findings();
  findings.add({
    path: [],
    at: { start: 0, end: 0 },
    message: 'the config is empty',
    expected: 'at least `services:` with one service and its `command`',
  });
  throw findings.error(source);
}

/** A syntax error is a config error like the others. */
function readOrRefuse(source: Source, text: string, read: (text: string) => TreeNode | null): TreeNode | null {
  try {
    return read(text);
  } catch (error) {
    if (!(error instanceof SyntaxProblem)) throw error;
    const findings = new Findings();
    findings.add({ path: [], at: error.at, message: error.message, expected: error.expected });
    throw findings.error(source);
  }
}
