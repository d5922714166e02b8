import type { ServiceSpec } from '@reeve/contract';

/** node → the nodes it needs. Every needed node must be a key; names that are not are ignored. */
export type Edges = ReadonlyMap<string, readonly string[]>;

/** Who needs whom, by what services declare. */
export function edgesOf(services: Iterable<Pick<ServiceSpec, 'name' | 'depends_on'>>): Edges {
  return new Map([...services].map((s) => [s.name, s.depends_on.map((d) => d.service)]));
}

/** A cycle as a path that begins and ends with the same name (`['api', 'cache', 'api']`), or null. */
export function findCycle(edges: Edges): readonly string[] | null {
  const done = new Set<string>();
  const path: string[] = [];
  const visit = (node: string): readonly string[] | null => {
    const at = path.indexOf(node);
    if (at >= 0) return [...path.slice(at), node];
    if (done.has(node)) return null;
    path.push(node);
    for (const next of edges.get(node) ?? []) {
      const cycle = edges.has(next) ? visit(next) : null;
      if (cycle) return cycle;
    }
    path.pop();
    done.add(node);
    return null;
  };
  for (const node of edges.keys()) {
    const cycle = visit(node);
    if (cycle) return cycle;
  }
  return null;
}

/** What is needed comes first; among equals, the order of the map. Edges must have no cycle. */
export function startOrder(edges: Edges): readonly string[] {
  const order: string[] = [];
  const seen = new Set<string>();
  const visit = (node: string): void => {
    if (seen.has(node) || !edges.has(node)) return;
    seen.add(node);
    for (const next of edges.get(node) ?? []) visit(next);
    order.push(node);
  };
  for (const node of edges.keys()) visit(node);
  return order;
}

/** The named nodes and everything they need, in start order. */
export function withNeeded(edges: Edges, names: Iterable<string>): readonly string[] {
  const wanted = new Set<string>();
  const visit = (node: string): void => {
    if (wanted.has(node) || !edges.has(node)) return;
    wanted.add(node);
    for (const next of edges.get(node) ?? []) visit(next);
  };
  for (const name of names) visit(name);
  return startOrder(edges).filter((node) => wanted.has(node));
}

/** Who directly needs each node. */
export function reverse(edges: Edges): ReadonlyMap<string, readonly string[]> {
  const needers = new Map<string, string[]>([...edges.keys()].map((node) => [node, []]));
  for (const [node, needs] of edges) for (const need of needs) needers.get(need)?.push(node);
  return needers;
}

/** 0: depends on no service; else one more than the latest of those that it needs. What is of one wave starts side by side. */
export function waves(edges: Edges): ReadonlyMap<string, number> {
  const found = new Map<string, number>();
  for (const name of startOrder(edges)) {
    const needs = (edges.get(name) ?? []).map((other) => found.get(other) ?? 0);
    found.set(name, needs.length === 0 ? 0 : Math.max(...needs) + 1);
  }
  return found;
}

/** The names in the order of their start, those together that start side by side. */
export function levels(edges: Edges, names: readonly string[]): readonly (readonly string[])[] {
  const wave = waves(edges);
  const found = new Map<number, string[]>();
  for (const name of names) {
    const number = wave.get(name) ?? 0;
    found.set(number, [...(found.get(number) ?? []), name]);
  }
  return [...found].sort(([one], [other]) => one - other).map(([, together]) => together);
}

/**
 * The heaviest path through the graph: the sum of `weigh` along a chain of needs.
 * `reeve stop` allows this much: the grace periods of a chain follow one another.
 */
export function longestChain(edges: Edges, weigh: (node: string) => number): number {
  const memo = new Map<string, number>();
  const visit = (node: string): number => {
    const known = memo.get(node);
    if (known !== undefined) return known;
    let below = 0;
    for (const next of edges.get(node) ?? []) if (edges.has(next)) below = Math.max(below, visit(next));
    const total = weigh(node) + below;
    memo.set(node, total);
    return total;
  };
  return Math.max(0, ...[...edges.keys()].map(visit));
}
