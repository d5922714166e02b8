import { type DaemonView, ReeveError, type WhyView } from '@reeve/contract';
import { announcedWhy } from '../announced-why.ts';
import { selection } from '../command-line/read-options.ts';
import { type Context, printJson } from '../context.ts';
import { connectToRead } from '../daemon/reach-daemon.ts';
import { neverStarted, rememberedWhy } from '../offline-why.ts';
import { findProject, refOf, unknownProject } from '../project/find-project.ts';
import type { Target } from '../project/target.ts';
import { tellRemembered } from '../show/daemon-problems.ts';
import { renderWhy } from '../show/why-text.ts';

export async function run(context: Context): Promise<number> {
  const [service = ''] = selection(context.args.positionals);
  const target = await findProject(context);
  const byHand = await announcedWhy(context, target, service);
  if (byHand) return show(context, byHand);
  await using reading = await connectToRead(context);
  const { client, daemon } = reading;
  const view = client
    ? await client
        .call('why', { project: refOf(target), service })
        .catch((error: unknown) => neverApplied(context, target, service, error))
    : await remember(context, target, service, daemon);
  show(context, view);
  if (!client) tellRemembered(context, daemon);
  return 0;
}

function show(context: Context, view: WhyView): number {
  if (context.json) printJson(context, view);
  else context.io.out.write(renderWhy(view, context.style, Date.now()));
  return 0;
}

async function remember(context: Context, target: Target, service: string, daemon: DaemonView): Promise<WhyView> {
  return (await rememberedWhy(context, target, service, daemon)) ?? (await declared(context, target, service));
}

async function neverApplied(context: Context, target: Target, service: string, error: unknown): Promise<WhyView> {
  if (error instanceof ReeveError && error.code === 'PROJECT_UNKNOWN') return declared(context, target, service);
  throw error;
}

/** A config that has never been applied has one story. */
async function declared(context: Context, target: Target, service: string): Promise<WhyView> {
  if (target.kind === 'folder' && target.config === null) throw unknownProject(target);
  return neverStarted(context, target, service);
}
