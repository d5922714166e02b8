import { type DaemonAbout, ReeveError } from '@reeve/contract';
import type { ReeveClient } from '@reeve/sdk';

/** null: a daemon of another version, which cannot say. */
export async function aboutOf(client: ReeveClient): Promise<DaemonAbout | null> {
  try {
    return await client.call('about', {});
  } catch (error) {
    if (error instanceof ReeveError && ['PROTOCOL_MISMATCH', 'USAGE'].includes(error.code)) return null;
    throw error;
  }
}
