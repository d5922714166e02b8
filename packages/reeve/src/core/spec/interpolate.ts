/**
 * `${…}` in config strings: `${VAR}`, `${VAR:-default}`, `${ports.x}`, `${instance}`, `${project}`.
 * `$${` is a literal `${`; `$VAR` is left alone.
 */
export type Piece =
  | { readonly kind: 'text'; readonly text: string }
  | {
      readonly kind: 'reference';
      /** `VAR`, `ports.x`, `instance` or `project`. */
      readonly name: string;
      readonly fallback: readonly Piece[] | null;
      /** Where its `$` stands in the string. */
      readonly at: number;
      /** As written, braces included. */
      readonly written: string;
    };
export type Reference = Extract<Piece, { readonly kind: 'reference' }>;
/** `written` is not a form of reeve's: an unclosed one, or one that only a shell knows. */
export interface BadReference {
  readonly at: number;
  readonly written: string;
  readonly why: string;
}
export type Template =
  | { readonly ok: true; readonly pieces: readonly Piece[] }
  | { readonly ok: false; readonly bad: BadReference };

const REFERENCE = /^([A-Za-z_][A-Za-z0-9_]*|ports\.[A-Za-z0-9_][A-Za-z0-9_-]*)(:-|$)/;

export function hasReference(text: string): boolean {
  return text.includes('${');
}

export function parseTemplate(text: string): Template {
  return pieces(text, 0);
}

function pieces(text: string, offset: number): Template {
  const found: Piece[] = [];
  let plain = '';
  let i = 0;
  while (i < text.length) {
    if (text.startsWith('$${', i)) {
      plain += '${';
      i += 3;
    } else if (text.startsWith('${', i)) {
      const read = reference(text, i, offset);
      if (!read.ok) return read;
      if (plain !== '') found.push({ kind: 'text', text: plain });
      plain = '';
      found.push(read.piece);
      i += read.piece.written.length;
    } else plain += text[i++];
  }
  if (plain !== '') found.push({ kind: 'text', text: plain });
  return { ok: true, pieces: found };
}

type Read = { readonly ok: true; readonly piece: Reference } | { readonly ok: false; readonly bad: BadReference };

function reference(text: string, start: number, offset: number): Read {
  const end = closing(text, start + 2);
  const at = offset + start;
  const refuse = (written: string, why: string): Read => ({ ok: false, bad: { at, written, why } });
  if (end < 0) return refuse(text.slice(start, start + 20), 'has no closing brace');
  const written = text.slice(start, end + 1);
  const inner = text.slice(start + 2, end);
  const m = REFERENCE.exec(inner);
  if (!m) return refuse(written, 'is not a supported form');
  const name = m[1] as string;
  if (m[2] === '') return { ok: true, piece: { kind: 'reference', name, fallback: null, at, written } };
  const from = name.length + 2;
  const fallback = pieces(inner.slice(from), at + 2 + from);
  if (!fallback.ok) return fallback;
  return { ok: true, piece: { kind: 'reference', name, fallback: fallback.pieces, at, written } };
}

/** The brace that closes the one before `from`; references inside a default are stepped over. */
function closing(text: string, from: number): number {
  let depth = 1;
  for (let i = from; i < text.length; i++) {
    if (text.startsWith('${', i)) {
      depth++;
      i++;
    } else if (text[i] === '}' && --depth === 0) return i;
  }
  return -1;
}

/** The value of a reference, or undefined when there is none. */
export type Lookup = (name: string) => string | undefined;

export type Interpolated =
  | { readonly ok: true; readonly text: string }
  | { readonly ok: false; readonly bad: readonly BadReference[] };

/** Replaces every reference. A default is taken when the variable is unset or empty, as in sh. */
export function interpolate(text: string, lookup: Lookup): Interpolated {
  if (!hasReference(text)) return { ok: true, text };
  const template = parseTemplate(text);
  if (!template.ok) return { ok: false, bad: [template.bad] };
  const bad: BadReference[] = [];
  const result = fill(template.pieces, lookup, bad);
  return bad.length > 0 ? { ok: false, bad } : { ok: true, text: result };
}

function fill(found: readonly Piece[], lookup: Lookup, bad: BadReference[]): string {
  let result = '';
  for (const piece of found) {
    if (piece.kind === 'text') {
      result += piece.text;
      continue;
    }
    const value = lookup(piece.name);
    if (value !== undefined && (value !== '' || piece.fallback === null)) result += value;
    else if (piece.fallback) result += fill(piece.fallback, lookup, bad);
    else bad.push({ at: piece.at, written: piece.written, why: 'is not known' });
  }
  return result;
}

/** What `${…}` can mean for one instance. */
export interface Scope {
  readonly env: Readonly<Record<string, string>>;
  readonly ports: Readonly<Record<string, number>>;
  readonly instance: number;
  readonly project: string;
}

export function lookupIn(scope: Scope): Lookup {
  return (name) => {
    if (name === 'instance') return String(scope.instance);
    if (name === 'project') return scope.project;
    if (!name.startsWith('ports.')) return own(scope.env, name);
    const port = own(scope.ports, name.slice('ports.'.length));
    return port === undefined ? undefined : String(port);
  };
}

function own<T>(record: Readonly<Record<string, T>>, name: string): T | undefined {
  return Object.hasOwn(record, name) ? record[name] : undefined;
}
