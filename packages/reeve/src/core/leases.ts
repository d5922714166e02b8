/** Where `auto` ports come from, both ends included. Source: DESIGN.md decision 6. */
const FIRST = 20_000;
const LAST = 32_767;

export interface AutoPortRequest {
  /** The project's folder. */
  readonly folder: string;
  readonly service: string;
  readonly index: number;
  readonly name: string | null;
  /** Leased, or listened on. */
  readonly taken: ReadonlySet<number>;
  /** The range from which the system takes ports for outgoing connections, both ends included. */
  readonly ephemeral: readonly [number, number];
}

/**
 * The port for a name, always the same for the same project folder unless it is taken: then the next free one. Where
 * the system takes outgoing ports from the whole range, there is no better place, and it is used all the same.
 * Throws a RangeError when every port of the range is taken.
 */
export function chooseAutoPort({ folder, service, index, name, taken, ephemeral }: AutoPortRequest): number {
  const spans = spansOutside(ephemeral);
  const count = spans.reduce((sum, [low, high]) => sum + high - low + 1, 0);
  const start = hash(`${folder}\0${service}\0${index}\0${name ?? ''}`) % count;
  for (let i = 0; i < count; i += 1) {
    const port = portAt(spans, (start + i) % count);
    if (!taken.has(port)) return port;
  }
  throw new RangeError(`every port from ${FIRST} to ${LAST} is taken`);
}

type Span = readonly [number, number];

function spansOutside([low, high]: Span): readonly Span[] {
  const sides: readonly Span[] = [
    [FIRST, Math.min(LAST, low - 1)],
    [Math.max(FIRST, high + 1), LAST],
  ];
  const outside = sides.filter(([first, last]) => first <= last);
  return outside.length > 0 ? outside : [[FIRST, LAST]];
}

function portAt(spans: readonly Span[], place: number): number {
  let left = place;
  for (const [first, last] of spans) {
    if (left <= last - first) return first + left;
    left -= last - first + 1;
  }
  return LAST;
}

/** FNV-1a over UTF-16 units, then mixed, so that neighbours (`web:0`, `web:1`) lie apart. 32 bits. */
function hash(text: string): number {
  let value = 0x811c9dc5;
  for (let i = 0; i < text.length; i += 1) {
    value = Math.imul(value ^ text.charCodeAt(i), 0x01000193);
  }
  value = Math.imul(value ^ (value >>> 16), 0x7feb352d);
  value = Math.imul(value ^ (value >>> 15), 0x846ca68b);
  return (value ^ (value >>> 16)) >>> 0;
}
