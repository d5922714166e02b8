import type { PortSpec } from '@reeve/contract';
import { portVariable } from '../core/spec/environment.ts';
import type { Cursor } from './cursor.ts';
import type { Place } from './tree.ts';

/** A port with its place: overlaps are reported where they are written. */
export interface PlacedPort extends PortSpec {
  readonly at: Place | null;
  readonly path: readonly (string | number)[];
}

const EXPECTED = 'a port from 1 to 65535, "53/udp", or auto';
const NAME = /^[A-Za-z0-9_][A-Za-z0-9_-]{0,99}$/;

export function readPorts(cursor: Cursor): readonly PlacedPort[] {
  const listed = cursor.items().flatMap((item) => readPort(item, item, null, false));
  const named = cursor.entries().flatMap(({ name, key, value }) => {
    if (!NAME.test(name))
      value.fault(`"${name}" is not a valid port name`, { at: key, expected: 'letters, digits, - and _' });
    const inner = value.node?.kind === 'map';
    return readPort(value, inner ? value.key('port') : value, name, value.key('shared').bool() ?? false);
  });
  refuseTwins(cursor);
  return [...listed, ...named];
}

/** `cursor` is the entry, `value` where its number stands. */
function readPort(cursor: Cursor, value: Cursor, name: string | null, shared: boolean): readonly PlacedPort[] {
  const parsed = value.parsed(parsePort, EXPECTED);
  return parsed ? [{ name, ...parsed, shared, at: value.node?.at ?? null, path: cursor.path }] : [];
}

function parsePort(text: string): Pick<PortSpec, 'port' | 'protocol'> | null {
  const m = /^(auto|\d{1,5})(?:\/(tcp|udp))?$/.exec(text);
  if (!m) return null;
  const port = m[1] === 'auto' ? 'auto' : Number(m[1]);
  if (port !== 'auto' && (port < 1 || port > 65_535)) return null;
  return { port, protocol: m[2] === 'udp' ? 'udp' : 'tcp' };
}

/** Two names that make one variable. */
function refuseTwins(cursor: Cursor): void {
  const seen = new Map<string, string>();
  for (const { name, key, value } of cursor.entries()) {
    const other = seen.get(portVariable(name));
    if (other !== undefined)
      value.fault(`"${name}" and "${other}" would both be ${portVariable(name)}`, {
        at: key,
        expected: 'a name of its own',
      });
    seen.set(portVariable(name), name);
  }
}
