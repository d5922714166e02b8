import type { TreeNode } from './tree.ts';

/**
 * Keys that the schema knows and this version does not act on yet. `refuse`: leaving them out would make the config
 * mean something false. `note`: harmless, told by `validate` and `up`. A row is deleted when its key is built.
 */
export interface NotYet {
  /** Where: keys in order, `*` for any key or position. */
  readonly where: readonly string[];
  readonly how: 'refuse' | 'note';
  /** Only when the value is one of these; without it, always. */
  readonly values?: readonly (string | boolean)[];
  /** What is said of it, where it is not ignored altogether. */
  readonly note?: string;
  /** Completes "… is not supported by this version yet: ". */
  readonly advice: string;
}

const service = (...keys: readonly string[]): readonly string[] => ['services', '*', ...keys];
const LATER = 'it has no effect';

export const NOT_YET: readonly NotYet[] = [
  { where: service('container'), how: 'refuse', advice: 'give a `command`' },
  { where: service('schedule'), how: 'refuse', advice: 'leave it out; it would run at once instead of at its times' },
  {
    where: service('ports', '*', 'shared'),
    values: [true],
    how: 'refuse',
    advice: 'leave `shared` out: instance k gets port + k',
  },
  { where: service('watch'), how: 'note', advice: LATER },
  { where: service('resources'), how: 'note', advice: LATER },
  { where: service('title'), values: [true], how: 'note', advice: LATER },
  {
    where: service('on_unhealthy'),
    values: ['alert'],
    how: 'note',
    note: 'alerts are not implemented yet: it is shown as unhealthy, and nothing is done',
    advice: 'it is shown as unhealthy, and nothing is done',
  },
  { where: ['alerts'], how: 'note', advice: LATER },
  { where: ['http'], how: 'note', advice: LATER },
];

export interface Hit {
  readonly row: NotYet;
  readonly path: readonly (string | number)[];
  readonly node: TreeNode;
}

export function findNotYet(root: TreeNode, rows: readonly NotYet[] = NOT_YET): readonly Hit[] {
  return rows.flatMap((row) =>
    follow(root, row.where, [])
      .filter(
        ({ node }) =>
          !row.values ||
          (node.kind === 'scalar' && node.value !== null && (row.values as readonly unknown[]).includes(node.value)),
      )
      .map((hit) => ({ row, ...hit })),
  );
}

type Found = Pick<Hit, 'path' | 'node'>;

function follow(node: TreeNode, [step, ...rest]: readonly string[], path: Found['path']): readonly Found[] {
  if (step === undefined) return [{ path, node }];
  if (node.kind === 'scalar') return [];
  const children: [string | number, TreeNode][] =
    node.kind === 'list'
      ? node.items.map((item, index) => [index, item])
      : [...node.entries].map(([key, { value }]) => [key, value]);
  return children
    .filter(([key]) => step === '*' || step === key)
    .flatMap(([key, value]) => follow(value, rest, [...path, key]));
}
