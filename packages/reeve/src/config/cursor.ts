import { type BadReference, hasReference, interpolate, type Lookup } from '../core/spec/interpolate.ts';
import { nearestName } from '../core/spec/nearest-name.ts';
import { cut } from './check-form.ts';
import type { Findings } from './problems.ts';
import { child, type Place, type TreeNode } from './tree.ts';

export interface Reading {
  readonly findings: Findings;
  /** The text that places point into. */
  readonly text: string;
  readonly lookup: Lookup;
  /** Names that `lookup` knows: for advice. */
  readonly known: () => Iterable<string>;
}

export interface Complaint {
  readonly expected?: string | undefined;
  readonly near?: string | null | undefined;
  readonly at?: Place | undefined;
}

/** The kernel takes no longer string in arguments or environment (MAX_ARG_STRLEN). Bytes. */
const MAX_STRING = 131_072;

/**
 * A place in a config while it is read. What the form check refuses already reads as absent here, so that reading goes
 * on to the end and everything wrong is reported at once.
 */
export class Cursor {
  readonly node: TreeNode | undefined;
  readonly path: readonly (string | number)[];
  readonly reading: Reading;

  constructor(node: TreeNode | undefined, path: readonly (string | number)[], reading: Reading) {
    this.node = node;
    this.path = path;
    this.reading = reading;
  }

  with(reading: Partial<Reading>): Cursor {
    return new Cursor(this.node, this.path, { ...this.reading, ...reading });
  }

  key(name: string): Cursor {
    return new Cursor(child(this.node, name), [...this.path, name], this.reading);
  }

  items(): readonly Cursor[] {
    if (this.node?.kind !== 'list') return [];
    return this.node.items.map((item, index) => new Cursor(item, [...this.path, index], this.reading));
  }

  entries(): readonly { readonly name: string; readonly key: Place; readonly value: Cursor }[] {
    if (this.node?.kind !== 'map') return [];
    return [...this.node.entries].map(([name, { key }]) => ({ name, key, value: this.key(name) }));
  }

  get exists(): boolean {
    return this.node !== undefined;
  }

  /** Says what is wrong here, unless something was said about this place already. */
  fault(message: string, { expected, near, at = this.node?.at }: Complaint = {}): void {
    if (at && this.reading.findings.hasAt(at)) return;
    this.reading.findings.add({ path: this.path, at: at ?? null, message, expected, near });
  }

  /** As written, `${…}` still in it; null when absent or no scalar. A reference that nothing answers is a fault. */
  raw(): string | null {
    const { node } = this;
    if (node?.kind !== 'scalar' || node.value === null) return null;
    this.#refuseUnfit(node.text);
    if (hasReference(node.text)) this.#fill(node.text);
    return node.text;
  }

  /** With its `${…}` replaced now. */
  now(): string | null {
    const { node } = this;
    if (node?.kind !== 'scalar' || node.value === null) return null;
    this.#refuseUnfit(node.text);
    return this.#fill(node.text);
  }

  parsed<T>(parse: (text: string) => T | null, expected: string): T | null {
    const text = this.now();
    if (text === null) return null;
    const value = parse(text);
    if (value === null) this.fault(`invalid value "${cut(text)}"`, { expected });
    return value;
  }

  integer(minimum: number, maximum: number): number | null {
    const parse = (text: string): number | null => {
      const value = /^[-+]?\d{1,15}$/.test(text) ? Number(text) : Number.NaN;
      return value >= minimum && value <= maximum ? value : null;
    };
    const plain = this.node?.kind === 'scalar' && typeof this.node.value === 'number' ? this.node.value : null;
    if (plain !== null) return plain >= minimum && plain <= maximum ? plain : null;
    return this.parsed(parse, `a whole number from ${minimum} to ${maximum}`);
  }

  bool(): boolean | null {
    return this.node?.kind === 'scalar' && typeof this.node.value === 'boolean' ? this.node.value : null;
  }

  word<const W extends string>(words: readonly W[]): W | null {
    const value = this.node?.kind === 'scalar' ? this.node.value : null;
    return words.find((word) => word === value) ?? null;
  }

  /** The part of this value that reads `written`, or all of it (escapes can hide a part). */
  part(written: string): Place | undefined {
    const at = this.node?.at;
    if (!at) return undefined;
    const start = this.reading.text.indexOf(written, at.start);
    return start >= 0 && start < at.end ? { start, end: start + written.length } : at;
  }

  refuseReference(bad: BadReference): void {
    if (bad.why !== 'is not known') {
      const expected = '${VAR}, ${VAR:-default}, ${ports.NAME}, ${instance} or ${project}; $${ is a literal ${';
      this.fault(`${bad.written} ${bad.why}`, { at: this.part(bad.written), expected });
      return;
    }
    const name = /^\$\{([^:}]+)/.exec(bad.written)?.[1] ?? '';
    const port = name.startsWith('ports.');
    const expected = port
      ? 'the name of a port of this service'
      : `a variable of the service's environment; \${${name}:-default} gives a default, $\${ is a literal \${`;
    this.fault(`unknown ${port ? 'port' : 'variable'} ${bad.written}`, {
      at: this.part(bad.written),
      expected,
      near: this.#nearestReference(name),
    });
  }

  #nearestReference(name: string): string | null {
    const known = [...this.reading.known()];
    if (!name.startsWith('ports.')) return nearestName(name, known);
    const tail = (full: string): string => full.slice('ports.'.length);
    const near = nearestName(tail(name), known.filter((one) => one.startsWith('ports.')).map(tail));
    return near === null ? null : `ports.${near}`;
  }

  #fill(text: string): string | null {
    const filled = interpolate(text, this.reading.lookup);
    if (filled.ok) return filled.text;
    for (const bad of filled.bad) this.refuseReference(bad);
    return null;
  }

  #refuseUnfit(text: string): void {
    if (text.includes('\0'))
      this.fault('contains a NUL character, which cannot be passed to a program', { expected: 'text without \\0' });
    else if (text.length > MAX_STRING / 4 && Buffer.byteLength(text) >= MAX_STRING) {
      this.fault(`is longer than ${MAX_STRING} bytes, too long to pass to a program`, {
        expected: 'a shorter text, or a file',
      });
    }
  }
}
