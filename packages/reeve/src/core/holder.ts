import type { Listener, Owner } from './interfaces.ts';
import { quoteWords } from './spec/command-line.ts';

/** Who has a port that a service needs, in words, and the command that frees it. */
export interface PortHolderText {
  readonly holder: string;
  readonly free: string;
}

/** `folder`: of the project that needs the port; its own services need no project in the command. */
export function describeHolder(listener: Listener, owner: Owner | null, folder: string): PortHolderText {
  const { port } = listener;
  if (owner === null) return { holder: describeListener(listener), free: `reeve kill :${port} --force` };
  const { project, service, isLive, byHand } = owner;
  const pid = listener.process?.pid ?? 0;
  if (!isLive) {
    const holder = `${listener.command ?? 'a process'} (pid ${pid}), left behind by ${service} of ${project}`;
    return { holder, free: `reeve kill :${port}` };
  }
  const how = byHand ? ', started manually' : '';
  return { holder: `${service} of ${project}${how} (pid ${pid})`, free: stopping(owner, folder) };
}

/** A project that reeve knows has a name of its own; one that is known by announcements alone has its folder. */
function stopping({ project, service, folder, byHand }: Owner, from: string): string {
  if (folder === from) return `reeve stop ${service}`;
  const where = byHand && folder !== null ? `-C ${quoteWords([folder])}` : `--project ${project}`;
  return `reeve ${where} stop ${service}`;
}

function describeListener({ process, command, user }: Listener): string {
  if (!process) return `a process of user ${user} (run as root to see which)`;
  return `${command ?? 'a process'} (pid ${process.pid}, user ${user})`;
}
