import { constants, type Stats } from 'node:fs';
import { open } from 'node:fs/promises';
import { ReeveError } from '@reeve/contract';
import { whyUnreadable } from './env-files.ts';
import { MAX_BYTES } from './tree.ts';

export interface OpenedConfig {
  readonly text: string;
  /** Told, not refused: root may use a config of another owner. */
  readonly notes: readonly string[];
}

/**
 * Reads a config file and judges the very file that it reads. Throws `ReeveError`: NOTHING_FOUND, CONFIG_UNTRUSTED (world-writable, or
 * of an owner who is neither we nor root), CONFIG_INVALID (no file, too large). Source: FAULTS S23.
 */
export async function openConfig(file: string): Promise<OpenedConfig> {
  // A FIFO in the place of a config must not hang us.
  const handle = await open(file, constants.O_RDONLY | constants.O_NONBLOCK).catch((error: unknown) =>
    refuseOpen(file, error),
  );
  try {
    const stat = await handle.stat();
    if (!stat.isFile())
      throw new ReeveError('CONFIG_INVALID', {
        message: `${file} is not a file`,
        hint: 'name the config file with --config FILE',
      });
    const notes = judge(file, stat, process.geteuid?.());
    if (stat.size > MAX_BYTES)
      throw new ReeveError('CONFIG_INVALID', {
        message: `${file} is larger than ${MAX_BYTES} bytes`,
        hint: 'a config is smaller: is this the right file?',
      });
    return { text: await handle.readFile('utf8'), notes };
  } finally {
    await handle.close();
  }
}

function refuseOpen(file: string, error: unknown): never {
  const { code } = error as NodeJS.ErrnoException;
  if (code === 'ENOENT' || code === 'ENOTDIR')
    throw new ReeveError('NOTHING_FOUND', { message: `there is no config ${file}: check the path after --config` });
  throw new ReeveError(
    'CONFIG_INVALID',
    { message: `cannot read ${file}: ${whyUnreadable(error)}`, hint: 'check who owns it and its mode: ls -l' },
    { cause: error },
  );
}

const WORLD_WRITABLE = 0o002;

/** Notes; throws CONFIG_UNTRUSTED. `me`: effective user id, undefined where there are none. */
export function judge(file: string, stat: Pick<Stats, 'mode' | 'uid'>, me: number | undefined): readonly string[] {
  if (me === undefined) return [];
  if ((stat.mode & WORLD_WRITABLE) !== 0) {
    throw new ReeveError('CONFIG_UNTRUSTED', {
      file,
      why: 'it is world-writable, so anyone could run commands as you',
      hint: `chmod o-w ${file}`,
    });
  }
  if (stat.uid === me || stat.uid === 0) return [];
  if (me === 0) return [`${file} belongs to user ${stat.uid}: its commands would run as root`];
  throw new ReeveError('CONFIG_UNTRUSTED', {
    file,
    why: `it belongs to another user (uid ${stat.uid})`,
    hint: `review it, then take ownership: cp it, or chown ${me} ${file}`,
  });
}
