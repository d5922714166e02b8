import type { TObject, TSchema } from '@sinclair/typebox';
import { hasReference } from '../core/spec/interpolate.ts';
import { nearestName } from '../core/spec/nearest-name.ts';
import type { Findings } from './problems.ts';
import type { MapNode, Place, ScalarNode, TreeNode } from './tree.ts';

type Path = readonly (string | number)[];

/**
 * Holds a config against the schema: kinds of values, keys, fixed words and ranges of numbers. The form of durations,
 * sizes and the like is judged where they are read. Reports everything. `key`: where a missing key is reported.
 */
export function checkForm(
  node: TreeNode,
  schema: TSchema,
  path: Path,
  findings: Findings,
  key: Place = firstOf(node),
): void {
  if (findings.isFull) return;
  const branches = branchesOf(schema);
  if (node.kind === 'scalar') checkScalar(node, branches, schema, path, findings);
  else {
    const branch = branches.find((one) => one['type'] === (node.kind === 'list' ? 'array' : 'object'));
    if (!branch) refuse(node, schema, path, findings);
    else if (node.kind === 'map') checkMap({ ...node, at: key }, branch, path, findings);
    else {
      if (node.items.length < Number(branch['minItems'] ?? 0)) refuse(node, schema, path, findings, 'is an empty list');
      node.items.forEach((item, index) => void checkForm(item, branch['items'] as TSchema, [...path, index], findings));
    }
  }
}

export function branchesOf(schema: TSchema): readonly TSchema[] {
  const union = schema['anyOf'] as readonly TSchema[] | undefined;
  return union ? union.flatMap(branchesOf) : [schema];
}

function checkMap(node: MapNode, schema: TSchema, path: Path, findings: Findings): void {
  const values = Object.values((schema['patternProperties'] as Record<string, TSchema> | undefined) ?? {})[0];
  const properties = schema['properties'] as TObject['properties'] | undefined;
  const meant = new Set<string | null>();
  for (const [name, { key, value }] of node.entries) {
    const known = properties && Object.hasOwn(properties, name) ? properties[name] : values;
    if (known) {
      if (!isAnything(known)) checkForm(value, known, [...path, name], findings, key);
    } else if (properties) {
      const near = nearestName(
        name,
        Object.keys(properties).filter((other) => !node.entries.has(other)),
      );
      meant.add(near);
      const expected = near === null ? `one of ${Object.keys(properties).join(', ')}` : undefined;
      findings.add({ path: [...path, name], at: key, message: `unknown key "${name}"`, near, expected });
    }
  }
  for (const name of (schema['required'] as readonly string[] | undefined) ?? []) {
    if (node.entries.has(name) || meant.has(name)) continue;
    const expected = properties?.[name] && expectedOf(properties[name]);
    findings.add({
      path,
      at: node.at,
      message: `the key "${name}" is missing`,
      expected: expected ? `${name}: ${expected}` : undefined,
    });
  }
}

function isAnything(schema: TSchema): boolean {
  return !('type' in schema) && !('anyOf' in schema) && !('const' in schema);
}

function checkScalar(
  node: ScalarNode,
  branches: readonly TSchema[],
  schema: TSchema,
  path: Path,
  findings: Findings,
): void {
  if (branches.some((branch) => accepts(branch, node))) return;
  const words = branches.flatMap((branch) => (typeof branch['const'] === 'string' ? [branch['const']] : []));
  const near = typeof node.value === 'string' ? nearestName(node.value, words) : null;
  refuse(node, schema, path, findings, undefined, near);
}

function accepts(branch: TSchema, { value, text }: ScalarNode): boolean {
  if ('const' in branch) return branch['const'] === value;
  switch (branch['type']) {
    case 'string':
      return (
        typeof value === 'string' && value.length >= Number(branch['minLength'] ?? 0) && isOfPattern(branch, value)
      );
    case 'boolean':
      return typeof value === 'boolean';
    case 'number':
    case 'integer':
      return (
        typeof value === 'number' &&
        Number.isFinite(value) &&
        isInRange(branch, value) &&
        (branch['type'] === 'number' || /^[-+]?[\w]+$/.test(text))
      );
    default:
      return false;
  }
}

/** Texts whose form has a parser of its own are judged there, with a better sentence. */
function isOfPattern(branch: TSchema, value: string): boolean {
  const pattern = branch['pattern'] as string | undefined;
  if (pattern === undefined || hasReference(value)) return true;
  return pattern.endsWith('|\\$\\{') || new RegExp(pattern).test(value);
}

function isInRange(branch: TSchema, value: number): boolean {
  const { minimum = Number.NEGATIVE_INFINITY, maximum = Number.POSITIVE_INFINITY } = branch as {
    minimum?: number;
    maximum?: number;
  };
  return value >= minimum && value <= maximum;
}

function refuse(
  node: TreeNode,
  schema: TSchema,
  path: Path,
  findings: Findings,
  message?: string,
  near?: string | null,
): void {
  const at = node.kind === 'scalar' ? node.at : firstOf(node);
  findings.add({ path, at, message: message ?? describe(node), near, expected: expectedOf(schema) });
}

/** A list or map is shown by its first character. */
function firstOf({ at }: TreeNode): Place {
  return { start: at.start, end: Math.min(at.start + 1, at.end) };
}

function describe(node: TreeNode): string {
  if (node.kind === 'list') return 'is a list';
  if (node.kind === 'map') return 'is a map';
  if (node.value === null) return 'is empty';
  const kind =
    typeof node.value === 'string' ? (node.value === '' ? 'an empty text' : `"${cut(node.value)}"`) : cut(node.text);
  return `is ${kind}`;
}

export function cut(text: string): string {
  return text.length > 60 ? `${text.slice(0, 57)}…` : text;
}

/** What a schema wants, in words: completes "expected …". */
export function expectedOf(schema: TSchema): string {
  if (typeof schema['x-expected'] === 'string') return schema['x-expected'];
  switch (schema['type']) {
    case 'object':
      return 'a map';
    case 'array':
      return 'a list';
    case 'string':
      return 'text';
    case 'integer':
      return 'a whole number';
    case 'number':
      return 'a number';
    case 'boolean':
      return 'true or false';
    default:
      return 'const' in schema ? String(schema['const']) : 'something else';
  }
}
