import { execFileSync } from 'node:child_process';

/** Put before a command: it runs where the kernel says that the machine was booted 100,000 seconds earlier. */
export const otherBootTime = ['unshare', '--time', '--boottime', '100000', '--'] as const;

/**
 * Put before a command: it runs as `nobody` with a `/proc` of its own that hides the processes of other users
 * (`hidepid=2`). A new mount in a mount namespace: the machine's own `/proc` is not touched.
 */
export const hiddenProcesses = [
  'unshare',
  '--mount',
  '--',
  'sh',
  '-c',
  'mount -t proc -o hidepid=2 proc /proc && exec setpriv --reuid nobody --regid nogroup --clear-groups -- "$@"',
  'sh',
] as const;

/** Why such a wrapper is not possible here; null: it is. */
export function whyNot(wrapper: readonly string[], probe: readonly string[] = ['true']): string | null {
  const [file = '', ...args] = [...wrapper, ...probe];
  try {
    execFileSync(file, args, { stdio: ['ignore', 'ignore', 'pipe'] });
    return null;
  } catch (error) {
    const { stderr } = error as { stderr?: Buffer };
    return String(stderr ?? error).trim() || 'refused';
  }
}

/** Before Linux 5.8 all mounts of /proc share their options: a second one would hide processes from every user. */
export function hasOwnProcOptions(release: string): boolean {
  const [major = 0, minor = 0] = release.split('.').map(Number);
  return major > 5 || (major === 5 && minor >= 8);
}
