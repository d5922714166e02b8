import { basename, resolve } from 'node:path';
import { type GuardPolicy, NAME_PATTERN, type ProjectSpec, properName, ReeveError } from '@reeve/contract';
import {
  type BuiltEnvironment,
  buildEnvironment,
  type EnvMap,
  type InstancePort,
  type Layers,
  reeveVariables,
} from '../core/spec/environment.ts';
import { lookupIn, type Scope } from '../core/spec/interpolate.ts';
import { checkPatterns } from './check-patterns.ts';
import { checkServices, noteIdle, noteServices, type PlacedService } from './check-services.ts';
import { Cursor, type Reading } from './cursor.ts';
import { readEnvFile } from './env-files.ts';
import type { Findings } from './problems.ts';
import { type PlacedPort, readPorts } from './read-ports.ts';
import { readService } from './read-service.ts';
import type { TreeNode } from './tree.ts';

export interface ReadInput {
  readonly root: TreeNode;
  /** The text that the places of `root` point into. */
  readonly text: string;
  readonly file: string;
  /** Real path. */
  readonly folder: string;
  /** Filtered environment of the caller. */
  readonly base: EnvMap;
  readonly findings: Findings;
}
export interface ReadProject {
  readonly project: ProjectSpec;
  readonly notes: readonly string[];
  /** Which keys do nothing as the service stands. */
  readonly idle: readonly string[];
  readonly guard: GuardPolicy;
}

/** A project is for one machine. Graphs are walked by recursion, so there has to be some end. */
const MAX_SERVICES = 2000;

/** The whole config as a spec. What is wrong goes to the findings: the result counts only when there are none. */
export async function readProject(input: ReadInput): Promise<ReadProject> {
  const { findings, text, folder } = input;
  const top = new Cursor(input.root, [], {
    findings,
    text,
    ...lookups(() => ({ env: input.base, ports: {}, instance: 0, project: basename(folder) })),
  });
  const name = readName(top.key('project'), folder);
  const files = await readFiles(top.key('env_files'), folder);
  const env = readEnv(top.key('env'));
  const shared: Shared = { ...input, name, env, files: files.map((file) => file.values) };
  const services = top.key('services');
  const entries = services.entries();
  if (entries.length > MAX_SERVICES)
    services.fault(`holds ${entries.length} services`, { expected: `at most ${MAX_SERVICES}` });
  const placed: PlacedService[] = [];
  for (const { name: own, value } of entries) {
    if (findings.isFull || entries.length > MAX_SERVICES) break;
    placed.push(await placeService(own, value, shared, top.key('env')));
  }
  checkServices(services, placed);
  await checkPatterns(placed);
  return {
    project: {
      folder,
      name,
      config: input.file,
      env,
      env_files: files.map((file) => file.path),
      services: placed.map(({ spec }) => spec),
    },
    notes: noteServices(placed),
    idle: noteIdle(placed),
    guard: top.key('guard').word(['warn', 'redirect', 'refuse']) ?? 'warn',
  };
}

interface Shared extends ReadInput {
  readonly name: string;
  readonly env: EnvMap;
  readonly files: readonly EnvMap[];
}

/** Built when something asks: most strings hold no reference. */
function lookups(build: () => Scope): Pick<Reading, 'lookup' | 'known'> {
  let built: Scope | null = null;
  const scope = (): Scope => {
    built ??= build();
    return built;
  };
  return {
    lookup: (name) => lookupIn(scope())(name),
    known: () => [
      ...Object.keys(scope().ports).map((port) => `ports.${port}`),
      'instance',
      'project',
      ...Object.keys(scope().env),
    ],
  };
}

function readName(cursor: Cursor, folder: string): string {
  const fallback = properName(basename(folder)) ?? 'project';
  const declared = cursor.node?.kind === 'scalar' && typeof cursor.node.value === 'string' ? cursor.now() : null;
  if (declared === null) return fallback;
  if (!NAME_PATTERN.test(declared))
    cursor.fault(`"${declared.slice(0, 40)}" is not a valid project name`, {
      expected: 'letters, digits, - and _, not beginning with -, at most 100',
      near: properName(declared),
    });
  return declared;
}

/** Two passes: ports and numbers may name variables, and the variables then hold the ports. */
async function placeService(name: string, cursor: Cursor, shared: Shared, projectEnv: Cursor): Promise<PlacedService> {
  const secrets = Object.fromEntries(secretNames(cursor.key('secrets')).map((each) => [each, '-']));
  const bare = { ports: [], secrets, hasUser: cursor.key('user').exists };
  const early = cursor.with(lookups(() => environmentOf(name, shared, { ...bare, values: [], env: {} }).scope));
  const files = await readFiles(early.key('env_files'), shared.folder);
  const values = files.map((file) => file.values);
  const env = readEnv(cursor.key('env'));
  const numbers = cursor.with(lookups(() => environmentOf(name, shared, { ...bare, values, env }).scope));
  const ports = readPorts(numbers.key('ports'));
  const instances = numbers.key('instances').integer(1, 1000) ?? 1;
  const built = environmentOf(name, shared, { ...bare, ports: ports.map(firstInstance), values, env });
  const ready = cursor.with(lookups(() => built.scope));
  for (const { layer, variable, bad } of built.bad) {
    (layer === 'project' ? projectEnv : ready.key('env')).with(ready.reading).key(variable).refuseReference(bad);
  }
  const spec = readService(ready, {
    name,
    folder: shared.folder,
    env,
    env_files: files.map((file) => file.path),
    ports,
    instances,
  });
  return { spec, cursor: ready, ports };
}

/** An `auto` port gets its number at the start; until then any port stands for it. */
function firstInstance({ name, port, protocol }: PlacedPort): InstancePort {
  return { name, port: port === 'auto' ? 20_000 : port, protocol };
}

interface Own {
  readonly ports: readonly InstancePort[];
  readonly values: readonly EnvMap[];
  readonly env: EnvMap;
  /** Names of the secrets; what they are is known at a start. */
  readonly secrets: EnvMap;
  /** HOME, USER, LOGNAME and SHELL will be there, whatever the caller has. */
  readonly hasUser: boolean;
}

/** What they are is known at a start; their names are known before. */
function secretNames(cursor: Cursor): readonly string[] {
  return cursor.entries().map(({ name }) => name);
}

/** As it would be at a start now; what only a start knows has a stand-in. */
function environmentOf(service: string, shared: Shared, own: Own): BuiltEnvironment {
  const facts = { home: '-', project: shared.name, folder: '-', service, instance: 0, run: '-', socket: '-' };
  const layers: Layers = {
    base: shared.base,
    user: own.hasUser ? { name: '-', home: '/', shell: '/bin/sh' } : null,
    ports: own.ports,
    projectFiles: shared.files,
    projectEnv: shared.env,
    serviceFiles: own.values,
    serviceEnv: own.env,
    secrets: own.secrets,
    reeve: reeveVariables(facts),
    instance: 0,
    project: shared.name,
  };
  return buildEnvironment(layers);
}

/** As written: `${…}` are replaced at each start. */
function readEnv(cursor: Cursor): Record<string, string> {
  const env: Record<string, string> = Object.create(null) as Record<string, string>;
  // References are judged with the whole environment, later.
  const quiet = cursor.with({ lookup: () => '' });
  for (const { name, key, value } of quiet.entries()) {
    if (name === '' || /[=\0]/.test(name))
      value.fault(`"${name}" is not a valid variable name`, { at: key, expected: 'a name without = and NUL' });
    const text = value.raw();
    if (text !== null) env[name] = text;
  }
  return env;
}

interface ReadFile {
  readonly path: string;
  readonly values: EnvMap;
}

async function readFiles(cursor: Cursor, folder: string): Promise<readonly ReadFile[]> {
  const files: ReadFile[] = [];
  for (const item of cursor.items()) {
    const written = item.now();
    if (written === null || written === '') continue;
    const path = resolve(folder, written);
    try {
      files.push({ path, values: await readEnvFile(path) });
    } catch (error) {
      if (!(error instanceof ReeveError)) throw error;
      const { expected } = error.params;
      item.fault(error.message, { expected: typeof expected === 'string' ? expected : 'a file that can be read' });
    }
  }
  return files;
}
