/** A config as it was written: every value with its place in the text. */
export interface Place {
  /** Offsets in the source text. */
  readonly start: number;
  readonly end: number;
}
interface Located {
  readonly at: Place;
  /** Values in it, itself included, aliases counted as often as they are used. */
  readonly size: number;
}
export interface ScalarNode extends Located {
  readonly kind: 'scalar';
  readonly value: string | number | boolean | null;
  /** As it was written, without quotes: `1.10` stays `1.10`. */
  readonly text: string;
}
export interface ListNode extends Located {
  readonly kind: 'list';
  readonly items: readonly TreeNode[];
}
export interface MapNode extends Located {
  readonly kind: 'map';
  readonly entries: ReadonlyMap<string, Entry>;
}
export interface Entry {
  readonly key: Place;
  readonly value: TreeNode;
}
export type TreeNode = ScalarNode | ListNode | MapNode;

export function scalar(value: ScalarNode['value'], text: string, at: Place): ScalarNode {
  return { kind: 'scalar', value, text, at, size: 1 };
}
export function list(items: readonly TreeNode[], at: Place): ListNode {
  return { kind: 'list', items, at, size: items.reduce((sum, item) => sum + item.size, 1) };
}
export function map(entries: ReadonlyMap<string, Entry>, at: Place): MapNode {
  let size = 1;
  for (const { value } of entries.values()) size += value.size;
  return { kind: 'map', entries, at, size };
}

export function child(node: TreeNode | undefined, key: string): TreeNode | undefined {
  return node?.kind === 'map' ? node.entries.get(key)?.value : undefined;
}

/** Where a path leads: keys as they are, list positions as numbers. The longest part of it that exists. */
export function placeOf(root: TreeNode, path: readonly (string | number)[], of: 'key' | 'value' = 'value'): Place {
  let node: TreeNode = root;
  let place = root.at;
  for (const step of path) {
    if (node.kind === 'map' && node.entries.has(String(step))) {
      const entry = node.entries.get(String(step)) as Entry;
      place = of === 'key' ? entry.key : entry.value.at;
      node = entry.value;
    } else if (node.kind === 'list' && node.items[Number(step)]) {
      node = node.items[Number(step)] as TreeNode;
      place = node.at;
    } else break;
  }
  return place;
}

/** Caps against files made to hurt (FAULTS CF1). */
export const MAX_BYTES = 1 << 20;
export const MAX_DEPTH = 32;
export const MAX_VALUES = 100_000;

/** A file that is not a tree: a syntax error, or beyond a cap. */
export class SyntaxProblem extends Error {
  override readonly name = 'SyntaxProblem';
  readonly at: Place;
  readonly expected: string | null;
  constructor(message: string, at: Place, expected: string | null = null) {
    super(message);
    this.at = at;
    this.expected = expected;
  }
}
