import { existsSync, readFileSync, rmSync } from 'node:fs';
import { ReeveError } from '@reeve/contract';
import { type Context, has, printJson, say } from '../context.ts';
import { pathsOf } from '../daemon/reach-daemon.ts';
import { isSystemd, type Scope, systemctl, unitOf } from '../install/systemd.ts';
import { refuseWithoutRights } from './install.ts';

export async function run(context: Context): Promise<number> {
  const scope: Scope = has(context, 'system') ? 'system' : 'user';
  const { name, path } = unitOf(pathsOf(context).home, scope, context.io.env);
  if (!existsSync(path))
    throw new ReeveError('NOTHING_FOUND', { message: `no unit is installed: ${path} does not exist` });
  const text = readFileSync(path, 'utf8');
  const systemd = scope === 'user' ? 'systemctl --user' : 'systemctl';
  const talks = isSystemd();
  const steps = [
    ...(talks ? [`${systemd} disable --now ${name}`] : []),
    `remove ${path}`,
    ...(talks ? [`${systemd} daemon-reload`] : []),
  ];
  if (!has(context, 'dry-run')) {
    refuseWithoutRights(scope, 'uninstall');
    if (talks) await systemctl(scope, ['disable', '--now', name]);
    rmSync(path);
    if (talks) await systemctl(scope, ['daemon-reload']);
  }
  const notes = ['services keep running; the next command that needs a daemon starts one'];
  if (context.json) printJson(context, { units: [{ path, name, scope, text, enabled: false }], steps, notes });
  else {
    for (const step of steps) context.io.out.write(`${step}\n`);
    for (const note of notes) say(context, note);
  }
  return 0;
}
