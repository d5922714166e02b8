import { readFile, realpath } from 'node:fs/promises';
import { homedir } from 'node:os';
import { basename, dirname, join } from 'node:path';
import { NAME_PATTERN, properName } from '@reeve/contract';
import { findConfig, homePaths, instanceId, resolveHome } from '@reeve/host';

type Env = Readonly<Record<string, string | undefined>>;

export interface PlaceOptions {
  /** Default: `REEVE_HOME`, else the platform's place for state. */
  readonly home?: string;
  /** Where the search for the project begins. Default: the working folder. */
  readonly cwd?: string;
  readonly env?: Env;
}
/** A project as a program sees it: the folder is what it is, the name what it is called. */
export interface ProjectPlace {
  readonly home: string;
  readonly run: string;
  readonly sockets: string;
  readonly controlSocket: string;
  readonly folder: string;
  readonly project: string;
}
/** Who a service is and where its files lie. Source: docs/decisions/0007-service-control-socket.md. */
export interface ServicePlace extends ProjectPlace {
  readonly service: string;
  readonly instance: number;
  readonly id: string;
  /** `REEVE_RUN`: set when reeve started us. */
  readonly cookie: string | null;
  readonly lock: string;
  readonly socket: string;
  readonly card: string;
}

/** The project of this program: told by reeve, else the nearest config upwards, else the working folder. */
export async function findProject(options: PlaceOptions = {}): Promise<ProjectPlace> {
  const env = options.env ?? process.env;
  const paths = homePaths(resolveHome(env, options.home));
  const { home, run, sockets, controlSocket } = paths;
  const found = await findFolder(options.cwd ?? process.cwd(), env);
  const project = validName(env['REEVE_PROJECT']) ?? found.declared ?? properName(basename(found.folder)) ?? 'project';
  return { home, run, sockets, controlSocket, folder: found.folder, project };
}

/** `service` must be a checked name. Throws CONFIG_AMBIGUOUS when two configs lie side by side. */
export async function findPlace(service: string, options: PlaceOptions = {}): Promise<ServicePlace> {
  const env = options.env ?? process.env;
  const project = await findProject(options);
  const isOurs = env['REEVE_SERVICE']?.toLowerCase() === service;
  const number = Number(env['REEVE_INSTANCE'] ?? 0);
  const instance = isOurs && Number.isSafeInteger(number) && number >= 0 ? number : 0;
  const id = instanceId(project.folder, service, instance);
  return {
    ...project,
    service,
    instance,
    id,
    // A child that calls itself otherwise is not what reeve started.
    cookie: isOurs ? env['REEVE_RUN'] || null : null,
    lock: join(project.run, `${id}.lock`),
    socket: join(project.sockets, `${id}.sock`),
    card: join(project.run, `${id}.json`),
  };
}

async function findFolder(cwd: string, env: Env): Promise<{ folder: string; declared: string | null }> {
  const told = env['REEVE_PROJECT_FOLDER'];
  if (told) return { folder: told, declared: null };
  const config = await findConfig(cwd, env['HOME'] || homedir());
  if (config === null) return { folder: await realpath(cwd), declared: null };
  return { folder: await realpath(dirname(config)), declared: validName(await declaredName(config)) };
}

/**
 * `project:` of a config, looked for without a YAML parser or running a config's code: at the beginning of a line (YAML),
 * as a member (JSON), as a property with a literal text (TS, JS). It is only what the project is called.
 */
async function declaredName(config: string): Promise<string | undefined> {
  const text = await readFile(config, 'utf8').catch(() => '');
  if (!/\.ya?ml$/.test(config)) return /\bproject["']?\s*:\s*["']([^"']+)["']/.exec(text)?.[1];
  return (
    /^(?:project|"project"|'project')\s*:\s+["']?([^"'#\s]+)["']?\s*(?:#.*)?$/m.exec(text)?.[1] ??
    /^\s*\{[\s\S]*?"project"\s*:\s*"([^"]+)"/.exec(text)?.[1]
  );
}

function validName(name: string | undefined): string | null {
  return name !== undefined && NAME_PATTERN.test(name) ? name : null;
}
