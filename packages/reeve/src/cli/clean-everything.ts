import { type PsView, ReeveError } from '@reeve/contract';
import type { ReeveClient } from '@reeve/sdk';
import { type Cleaned, type CleanWish, cleanHome } from '../operations/clean-up/clean-home.ts';
import { type CleanRow, rowOfUnreachable, rowsOfReceipt } from '../operations/clean-up/clean-rows.ts';
import { callerOf } from './caller.ts';
import type { Context } from './context.ts';
import { longCall } from './daemon/long-call.ts';
import { actor } from './project/actor.ts';

/** Cleans up everything of the home: what reeve runs by its daemon, the rest here. */
export async function cleanEverything(context: Context, client: ReeveClient | null, wish: CleanWish): Promise<Cleaned> {
  const projects = client ? await managedProjects(client) : [];
  const clean = async (name: string) => (client ? cleanProject(client, name, wish) : []);
  return cleanHome(callerOf(context), { projects, clean }, wish);
}

/** What the daemon itself runs or has run: only that is scanned. */
export async function managedProjects(client: ReeveClient): Promise<readonly PsView[]> {
  const { projects } = await client.call('ps', { project: null });
  return projects.filter(({ scanned_at }) => scanned_at !== null);
}

async function cleanProject(
  client: ReeveClient,
  name: string,
  { timeout, force }: CleanWish,
): Promise<readonly CleanRow[]> {
  try {
    const params = { project: { name }, timeout, force, actor: actor() };
    return rowsOfReceipt((await longCall(client, 'cleanup', params, {})).receipt);
  } catch (error) {
    if (!(error instanceof ReeveError)) throw error;
    return [rowOfUnreachable(name, error.message)];
  }
}
