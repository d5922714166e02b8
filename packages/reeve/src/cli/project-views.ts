import { type PsView, ReeveError } from '@reeve/contract';
import type { ReeveClient } from '@reeve/sdk';
import type { Context } from './context.ts';
import { connectToRead } from './daemon/reach-daemon.ts';
import { refOf } from './project/find-project.ts';
import type { Target } from './project/target.ts';

/**
 * A project as it is now: by the daemon, else by what is remembered, else by its config, of which nothing runs then.
 * Never starts a daemon. Throws PROJECT_UNKNOWN or CONFIG_NOT_FOUND (exit code 4), or what is wrong with the config.
 */
export async function viewProject(context: Context, target: Target): Promise<PsView> {
  await using reading = await connectToRead(context);
  const { client, daemon } = reading;
  const told = client && (await askDaemon(client, target));
  if (told) return told;
  const { rememberedViews, viewOfConfig } = await import('./without-daemon.ts');
  const [remembered] = client ? [] : await rememberedViews(context, target, daemon);
  return remembered ?? (await viewOfConfig(context, target, daemon));
}

/** Every project of the home. */
export async function viewAll(context: Context): Promise<readonly PsView[]> {
  await using reading = await connectToRead(context);
  const { client, daemon } = reading;
  if (client) return (await client.call('ps', { project: null })).projects;
  const { rememberedViews } = await import('./without-daemon.ts');
  return await rememberedViews(context, null, daemon);
}

export async function askDaemon(client: ReeveClient, target: Target): Promise<PsView | null> {
  try {
    const { projects } = await client.call('ps', { project: refOf(target) });
    return projects[0] ?? null;
  } catch (error) {
    if (error instanceof ReeveError && error.code === 'PROJECT_UNKNOWN') return null;
    throw error;
  }
}
