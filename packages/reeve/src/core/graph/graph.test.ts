import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { findCycle, levels, longestChain, reverse, startOrder, withNeeded } from './graph.ts';

const edges = (o: Record<string, string[]>) => new Map(Object.entries(o));

describe('graph', () => {
  test('a cycle is reported as the path through it', () => {
    expect(findCycle(edges({ web: ['api'], api: ['cache'], cache: ['api'] }))).toEqual(['api', 'cache', 'api']);
  });
  test('a service that needs itself is a cycle', () => {
    expect(findCycle(edges({ a: ['a'] }))).toEqual(['a', 'a']);
  });
  test('naming a service brings what it needs, needs first', () => {
    const e = edges({ web: ['api'], api: ['db'], db: [], other: [] });
    expect(withNeeded(e, ['web'])).toEqual(['db', 'api', 'web']);
  });
  test('the longest chain adds the weights along needs', () => {
    const e = edges({ web: ['api'], api: ['db'], db: [], lone: [] });
    expect(longestChain(e, (n) => ({ web: 1, api: 2, db: 3, lone: 5 })[n] ?? 0)).toBe(6);
  });

  /** Random graphs without cycles: each node needs only earlier ones. */
  const acyclic = fc.array(fc.array(fc.nat(30), { maxLength: 4 }), { minLength: 1, maxLength: 30 }).map((rows) => {
    const map = new Map<string, readonly string[]>();
    rows.forEach((needs, i) => {
      map.set(
        `s${i}`,
        [...new Set(needs.filter((n) => n < i))].map((n) => `s${n}`),
      );
    });
    return new Map([...map].reverse());
  });
  test('in start order everything comes after what it needs, and nothing is missing', () => {
    fc.assert(
      fc.property(acyclic, (e) => {
        const order = startOrder(e);
        expect([...order].sort()).toEqual([...e.keys()].sort());
        for (const [node, needs] of e)
          for (const need of needs) expect(order.indexOf(need)).toBeLessThan(order.indexOf(node));
        expect(findCycle(e)).toBeNull();
      }),
    );
  });
  test('an edge back makes a cycle, and the path told is a real one', () => {
    fc.assert(
      fc.property(acyclic, fc.nat(), (e, seed) => {
        const order = startOrder(e);
        const node = order[seed % order.length] as string;
        const below = withNeeded(e, [node]);
        const bottom = below[0] as string;
        const looped = new Map(e).set(bottom, [...(e.get(bottom) ?? []), node]);
        const cycle = findCycle(looped) as readonly string[];
        expect(cycle[0]).toBe(cycle.at(-1));
        for (let i = 1; i < cycle.length; i++) expect(looped.get(cycle[i - 1] as string)).toContain(cycle[i]);
      }),
    );
  });
  test('reverse tells who needs a node', () => {
    expect(reverse(edges({ web: ['api'], api: [] })).get('api')).toEqual(['web']);
  });
});

test('U29: what starts side by side is one level', () => {
  const needs = new Map([
    ['web', ['api']],
    ['api', ['db']],
    ['worker', ['db']],
    ['db', []],
  ]);
  expect(levels(needs, startOrder(needs))).toEqual([['db'], ['api', 'worker'], ['web']]);
  expect(levels(needs, ['db', 'web'])).toEqual([['db'], ['web']]);
});
