import { type ProjectSpec, ReeveError, type ServiceSpec } from '@reeve/contract';
import type { HomePaths } from '@reeve/host';
import { type EnvMap, type InstancePort, type Layers, reeveVariables } from '../core/spec/environment.ts';
import type { Executed } from '../core/spec/executed.ts';
import { type ResolvedService, resolveSecrets, resolveService } from '../core/spec/resolve.ts';
import { readEnvFiles } from './env-files.ts';
import { fingerprintsOf } from './fingerprints.ts';
import { fetchSecrets } from './secrets.ts';

/** A start of an instance, as of now. */
export interface StartOf {
  readonly project: Pick<ProjectSpec, 'name' | 'folder' | 'env' | 'env_files'>;
  readonly spec: ServiceSpec;
  readonly environment: EnvMap;
  readonly index: number;
  readonly run: string;
  readonly ports: readonly InstancePort[];
  readonly user: Layers['user'];
  /** Of a run that is there already: the values of its secrets. */
  readonly startedWith?: EnvMap;
}
export interface ResolvedNow extends ResolvedService {
  readonly fetched: EnvMap;
  readonly executed: Executed;
}

/** The environment rule of DESIGN.md, with the env files read anew. Throws CONFIG_INVALID naming what cannot be replaced. */
export async function resolveNow(paths: HomePaths, input: StartOf): Promise<ResolvedNow> {
  const { project, spec } = input;
  const files = { project: await readEnvFiles(project.env_files), service: await readEnvFiles(spec.env_files) };
  const start = {
    spec,
    project: { name: project.name, folder: project.folder, env: project.env },
    files,
    base: input.environment,
    ports: input.ports,
    instance: input.index,
    reeve: reeveVariables({
      home: paths.home,
      project: project.name,
      folder: project.folder,
      service: spec.name,
      instance: input.index,
      run: input.run,
      socket: paths.controlSocket,
    }),
    user: input.user,
  };
  const fetched = input.startedWith ? await secretsAgain(start, input.startedWith) : await secretsOf(start);
  const result = resolveService({ ...start, secrets: fetched });
  if (!result.ok) throw new ReeveError('CONFIG_INVALID', { message: `${spec.name}: ${result.problems.join('; ')}` });
  const layers = [...files.project, project.env, ...files.service, spec.env, spec.secrets];
  const declared = [...new Set(layers.flatMap((layer) => Object.keys(layer)))];
  const own = declared.filter((name) => !Object.hasOwn(start.reeve, name)); // of each start anew
  return { ...result.service, fetched, executed: fingerprintsOf(input.run, result.service, own) };
}

async function secretsOf(start: Parameters<typeof resolveSecrets>[0]): Promise<EnvMap> {
  if (Object.keys(start.spec.secrets).length === 0) return {};
  const { sources, env } = resolveSecrets(start);
  return fetchSecrets(sources, { cwd: start.project.folder, env });
}

/** Of a run that is there already: its own values, else what its files hold now. */
async function secretsAgain(start: Parameters<typeof resolveSecrets>[0], known: EnvMap): Promise<EnvMap> {
  const missing = Object.entries(start.spec.secrets).filter(([name, { kind }]) => kind === 'file' && !(name in known));
  if (missing.length === 0) return known;
  const files = await secretsOf({ ...start, spec: { ...start.spec, secrets: Object.fromEntries(missing) } }).catch(
    () => ({}),
  );
  return { ...files, ...known };
}
