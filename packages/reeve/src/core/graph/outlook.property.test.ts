import type { DependencySpec } from '@reeve/contract';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { NEW_MACHINE } from '../lifecycle/table.ts';
import type { State } from '../lifecycle/types.ts';
import { affectedBy, Outlook } from './conditions.ts';
import { reconcile } from './reconcile.ts';
import type { World, WorldService } from './world.ts';

const process = { boot: 'b', pid: 7, start: 1 };
const waiting: State = { name: 'waiting', last: null, why: null, hopeless: false };
const stopping: State = {
  name: 'stopping',
  run: 'r',
  process,
  cause: { kind: 'asked' },
  phase: 'main',
  killAt: 0,
  exit: null,
  readySince: null,
};
const STATES: readonly State[] = [
  waiting,
  { name: 'waiting', last: null, why: 'x', hopeless: true },
  { name: 'stopped', last: null },
  { name: 'starting', run: 'r', process, since: 0 },
  { name: 'running', run: 'r', process, since: 0 },
  { name: 'paused', run: 'r', process, since: 0, why: 'x' },
  { name: 'completed', last: null },
  { name: 'failed', last: null, failure: { code: 'exit', message: 'm' }, run: null },
  { name: 'backoff', last: null, until: 0, why: 'x' },
  stopping,
];

interface Draft {
  readonly state: State;
  readonly want: 'up' | 'down';
  readonly at: number;
  readonly needs: readonly DependencySpec[];
}
const named = (index: number): string => `s${index}`;
function worldOf(drafts: readonly Draft[]): World {
  const service = ({ state, want, at, needs }: Draft, index: number): WorldService => ({
    name: named(index),
    oneshot: false,
    hasHealth: false,
    dependsOn: needs,
    want,
    generation: 1,
    wanted: 1,
    instances: [{ index: 0, machine: { ...NEW_MACHINE, state, generation: at }, health: 'unknown', lacking: null }],
  });
  return new Map(drafts.map((draft, index) => [named(index), service(draft, index)]));
}
const needs = (services: readonly number[]): readonly DependencySpec[] =>
  services.map((index) => ({ service: named(index), condition: 'ready', required: true, on_down: 'ignore' }));
const waitsFor = (services: readonly number[]): Draft => ({
  state: waiting,
  want: 'up',
  at: 1,
  needs: needs(services),
});

describe('D1: each service is judged once, whatever the number of paths', () => {
  /** Counts the looks at instances: the work of judging. */
  function looks(drafts: readonly Draft[]): number {
    let count = 0;
    const world = new Map(
      [...worldOf(drafts)].map(([name, service]) => {
        const { instances } = service;
        return [
          name,
          {
            ...service,
            get instances() {
              count += 1;
              return instances;
            },
          },
        ] as const;
      }),
    );
    expect(reconcile(new Outlook(world))).toHaveLength(drafts.length);
    return count;
  }
  const layered = (layers: number, width: number): readonly Draft[] =>
    Array.from({ length: layers * width }, (_, index) => {
      const layer = Math.floor(index / width);
      return waitsFor(layer === 0 ? [] : Array.from({ length: width }, (_, i) => (layer - 1) * width + i));
    });

  test('2,000 services in 40 layers, each needing all of the layer below', () => {
    const edges = 39 * 50 * 50;
    expect(looks(layered(40, 50))).toBeLessThan(8 * edges);
  });

  test('a chain of 2,000', () => {
    const chain = Array.from({ length: 2_000 }, (_, i) => waitsFor(i === 0 ? [] : [i - 1]));
    expect(looks(chain)).toBeLessThan(20 * 2_000);
    const last = reconcile(new Outlook(worldOf(chain))).at(-1);
    expect(last).toMatchObject({ do: 'hold', why: 's1998 is waiting: s0 is about to start', roots: ['s0'] });
  });
});

describe('D11: what has not changed need not be looked at', () => {
  const draft = (index: number): fc.Arbitrary<Draft> =>
    fc.record({
      state: fc.constantFrom(...STATES),
      want: fc.constantFrom('up', 'up', 'down'),
      at: fc.constantFrom(0, 1, 1),
      needs: fc
        .uniqueArray(
          fc.record({
            service: fc.integer({ min: 0, max: Math.max(0, index - 1) }).map(named),
            condition: fc.constantFrom('started', 'ready', 'completed'),
            required: fc.boolean(),
            on_down: fc.constantFrom('ignore', 'stop', 'restart', 'pause'),
          }),
          { selector: ({ service }) => service, maxLength: index === 0 ? 0 : 3 },
        )
        .map((all) => all as readonly DependencySpec[]),
    });
  const project = fc.tuple(...Array.from({ length: 9 }, (_, index) => draft(index)));
  const commandsOf = (world: World) =>
    new Map([...world.keys()].map((name) => [name, reconcile(new Outlook(world), [name])]));

  test('a change of some services changes the commands of no other than those that they affect', () => {
    const change = fc.array(fc.tuple(fc.nat({ max: 8 }), fc.constantFrom(...STATES)), { minLength: 1, maxLength: 2 });
    fc.assert(
      fc.property(project, change, (drafts, changes) => {
        const states = new Map(changes);
        const after = drafts.map((each, i) => ({ ...each, state: states.get(i) ?? each.state }));
        const affected = affectedBy(new Outlook(worldOf(after)), [...states.keys()].map(named));
        const [before, now] = [commandsOf(worldOf(drafts)), commandsOf(worldOf(after))];
        for (const [index] of drafts.entries())
          if (!affected.has(named(index))) expect(now.get(named(index))).toEqual(before.get(named(index)));
        const some = reconcile(new Outlook(worldOf(after)), affected);
        expect(new Set(some)).toEqual(new Set([...now.values()].flat().filter(({ service }) => affected.has(service))));
      }),
      { numRuns: 1_000 },
    );
  });

  test('one change in 1,000 services in chains of ten affects one chain', () => {
    const chains = Array.from({ length: 1_000 }, (_, i) => waitsFor(i % 10 === 0 ? [] : [i - 1]));
    expect(affectedBy(new Outlook(worldOf(chains)), ['s500']).size).toBe(10);
  });
});
