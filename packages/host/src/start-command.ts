import { spawn } from 'node:child_process';
import { withUsualDescriptors } from './linux/usual-descriptors.ts';
import { isListenedOn } from './listening.ts';
import { type CommandEnd, type CommandRun, commandEnd, programOf } from './run-command.ts';
import { exitOf } from './run-limited.ts';
import { pause } from './timer.ts';

/** A start that says nothing counts when it has lived this long. Milliseconds. */
const LIVES = 1000;
const LOOK = 50;

/**
 * Starts, as ourselves, what continues when we end. It has started what it should when it ends with 0, when every port is
 * listened on, or, with no ports, when it has lived for a second. What is not there at its limit is left alone. Never
 * rejects.
 */
export async function startCommand(
  { command, cwd, env, limit }: CommandRun,
  ports: readonly { readonly port: number; readonly protocol: 'tcp' | 'udp' }[],
): Promise<CommandEnd> {
  const [file = '', ...args] = programOf(command);
  // No pipe: what continues when we end would die of it.
  const child = withUsualDescriptors(() => spawn(file, args, { cwd, env, detached: true, stdio: 'ignore' }));
  const seen: { end: CommandEnd | null } = { end: null };
  void exitOf(child).then((end) => {
    seen.end = commandEnd(end);
  });
  child.unref();
  for (const began = performance.now(); ; await pause(LOOK)) {
    const lived = performance.now() - began;
    if (seen.end !== null) return seen.end;
    const isThere =
      ports.length > 0 ? ports.every(({ port, protocol }) => isListenedOn(port, protocol)) : lived > LIVES;
    if (isThere) return { reason: 'done', message: null };
    if (lived > limit) return { reason: 'timed_out', message: `nothing is listening on its ports after ${limit} ms` };
  }
}
