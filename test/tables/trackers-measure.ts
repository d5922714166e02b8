import { setTimeout as pause } from 'node:timers/promises';
import type { Receipt } from '@reeve/contract';
import { endEscaped, servicesAlive, type World } from '../harness/escape-world.ts';
import type { TestReeve } from '../harness/reeve.ts';
import { until } from '../harness/until.ts';
import { type Hider, hiders } from './trackers-programs.ts';

/**
 * What became of one program. `proven`: no process is left, and the receipt promises it. `ended`: none is left, the promise
 * is best effort. `left`: one is. `broken`: one is left and the receipt denies it.
 */
export type Outcome = 'proven' | 'ended' | 'left' | 'broken';

/** Looks in a row that must see no process, a hopper being missed by some; and how long they may take to begin (ms). */
const LOOKS = 12;
const BETWEEN = 25;
const LIMIT = 3000;

/** By the name of the program, what became of it in this world without these trackers. */
export async function measure(world: World, off: readonly string[]): Promise<ReadonlyMap<string, Outcome>> {
  const sets = [...new Set(hiders.map(({ set }) => set))].map((set) => hiders.filter((each) => each.set === set));
  const outcomes = await Promise.all(sets.map((set) => measureSet(world, off, set)));
  return new Map(outcomes.flat());
}

async function measureSet(
  world: World,
  off: readonly string[],
  set: readonly Hider[],
): Promise<readonly (readonly [string, Outcome])[]> {
  await using reeve = world.start(off);
  const services = await Promise.all(set.map(async (each) => [each.name, await each.service(reeve)] as const));
  reeve.project({ services: Object.fromEntries(services) });
  const up = await reeve.run(['up', '-d']);
  if (up.code !== 0) throw new Error(`up ended with ${up.code}\n${up.stdout}${up.stderr}`);
  await Promise.all(set.map(({ ready }) => ready(reeve)));
  const receipt = (await reeve.run(['stop', '--json'])).json() as Receipt;
  const left = await commandsLeft(reeve);
  const unknown = left.filter((command) => command !== '' && !set.some(({ isIts }) => isIts(command)));
  if (unknown.length > 0) throw new Error(`nobody's: ${unknown.join(', ')}`);
  for (const each of set) if (!each.hasHidden(reeve)) throw new Error(`${each.name} was stopped before it could hide`);
  for (const each of set) each.end?.(reeve);
  await endEscaped(reeve);
  await until('no process hops any more', async () => (await commandsLeft(reeve)).length === 0);
  return set.map((each) => [each.name, outcomeOf(each, left, receipt)] as const);
}

/** The command lines of what is still there after a moment in which the dying may end. */
async function commandsLeft(reeve: TestReeve): Promise<readonly string[]> {
  const end = performance.now() + LIMIT;
  for (;;) {
    const seen: string[] = [];
    for (let look = 0; look < LOOKS; look++) {
      seen.push(...servicesAlive(reeve).map(({ command }) => command));
      await pause(BETWEEN);
    }
    if (seen.length === 0 || performance.now() > end) return seen;
  }
}

function outcomeOf({ name, isIts }: Hider, left: readonly string[], receipt: Receipt): Outcome {
  const told = receipt.services.find((service) => service.name === name);
  const isPromised = receipt.status === 'COMPLETE' && told?.promise === 'verified';
  if (left.some(isIts)) return isPromised ? 'broken' : 'left';
  return isPromised ? 'proven' : 'ended';
}
