import { mkdirSync, renameSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { ReeveError } from '@reeve/contract';
import { REEVE_VERSION } from '../../base/version.ts';
import { type Context, has, printJson, say } from '../context.ts';
import { connectIfRunning, pathsOf } from '../daemon/reach-daemon.ts';
import { demandSystemd, type Scope, surroundings, systemctl, unitOf } from '../install/systemd.ts';
import { unitText } from '../install/unit-text.ts';
import { actor } from '../project/actor.ts';

export async function run(context: Context): Promise<number> {
  const scope: Scope = has(context, 'system') ? 'system' : 'user';
  const { home } = pathsOf(context);
  const { name, path } = unitOf(home, scope, context.io.env);
  const text = unitText({ scope, home, version: REEVE_VERSION, reeve: reeveProgram(context) });
  if (has(context, 'print')) return print(context, { name, path, scope, text, enabled: false });
  const isStarted = !has(context, 'no-start');
  const steps = [`write ${path}`, ...(isStarted ? stepsOf(scope, name) : [])];
  const notes = notesOf(context, scope, home);
  if (!has(context, 'dry-run')) {
    refuseWithoutRights(scope, 'install');
    if (isStarted) demandSystemd();
    place(path, text);
    if (isStarted) await start(context, scope, name);
  }
  if (context.json) printJson(context, { units: [{ path, name, scope, text, enabled: isStarted }], steps, notes });
  else {
    for (const step of steps) context.io.out.write(`${step}\n`);
    for (const note of notes) say(context, note);
  }
  return 0;
}

interface Unit {
  readonly path: string;
  readonly name: string;
  readonly scope: Scope;
  readonly text: string;
  readonly enabled: boolean;
}

function print(context: Context, unit: Unit): number {
  if (context.json) printJson(context, { units: [unit], steps: [], notes: [] });
  else context.io.out.write(unit.text);
  return 0;
}

function stepsOf(scope: Scope, name: string): readonly string[] {
  const systemd = scope === 'user' ? 'systemctl --user' : 'systemctl';
  return [`${systemd} daemon-reload`, `${systemd} enable --now ${name}`];
}

async function start(context: Context, scope: Scope, name: string): Promise<void> {
  await systemctl(scope, ['daemon-reload']);
  await endOther(context);
  await systemctl(scope, ['enable', '--now', name]);
}

/** Two cannot have one home. Services stay, and the daemon of the unit takes them over. */
async function endOther(context: Context): Promise<void> {
  await using client = await connectIfRunning(context);
  if (!client) return;
  const { managed_by } = await client.call('about', {});
  if (managed_by === null) await client.call('shutdown', { with_services: false, actor: actor() });
}

function notesOf({ io }: Context, scope: Scope, home: string): readonly string[] {
  const { linger, user } = surroundings(home, io.env);
  if (scope === 'system') return [];
  const lives = `so that services outlive your session and start with the machine: loginctl enable-linger ${user}`;
  return linger ? [] : [lives];
}

/** The command beside the daemon's program: `bin/reeve.js` of the package. */
function reeveProgram({ io }: Context): readonly string[] {
  const [node = process.execPath, daemon = ''] = io.daemon;
  return [node, join(dirname(dirname(daemon)), 'bin', 'reeve.js')];
}

/** Throws NOT_PERMITTED. */
export function refuseWithoutRights(scope: Scope, command: string): void {
  if (scope === 'user' || process.geteuid?.() === 0) return;
  const message = 'only root can change a system-wide unit';
  throw new ReeveError('NOT_PERMITTED', { message, hint: `sudo reeve ${command} --system, or without --system` });
}

function place(path: string, text: string): void {
  mkdirSync(dirname(path), { recursive: true });
  const draft = `${path}.${process.pid}.new`;
  writeFileSync(draft, text, { mode: 0o644 });
  renameSync(draft, path);
}
