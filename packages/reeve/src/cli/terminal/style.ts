import type { HealthName, ServiceView } from '@reeve/contract';

type Env = Readonly<Record<string, string | undefined>>;
export type Colour = 'red' | 'green' | 'yellow' | 'blue' | 'magenta' | 'cyan' | 'grey' | 'bold';
const CODES: Readonly<Record<Colour, readonly [number, number]>> = {
  bold: [1, 22],
  red: [31, 39],
  green: [32, 39],
  yellow: [33, 39],
  blue: [34, 39],
  magenta: [35, 39],
  cyan: [36, 39],
  grey: [90, 39],
};

/** How text is dressed for one output. Colour never says what a word or a glyph does not say too. */
export interface Style {
  readonly colours: boolean;
  /** Glyphs beyond ASCII may be used. */
  readonly unicode: boolean;
  /** A terminal: tables are aligned, lines have glyphs, progress is live. Else: TSV and plain lines. */
  readonly rich: boolean;
  /** Null where nothing wraps. */
  readonly width: number | null;
  paint(colour: Colour | null, text: string): string;
}

export interface StyleInput {
  readonly isTTY: boolean;
  readonly columns: number;
  readonly env: Env;
  /** `--color`. */
  readonly color: string | null;
}

export function styleFor(input: StyleInput): Style {
  const colours = wantsColours(input);
  const { env, isTTY } = input;
  return {
    colours,
    unicode: isTTY ? speaksUtf8(env) : true,
    rich: isTTY,
    width: isTTY ? Number(env['COLUMNS']) || input.columns || 80 : null,
    paint: (colour, text) => {
      if (!colours || colour === null || text === '') return text;
      const [on, off] = CODES[colour];
      return `\u001b[${on}m${text}\u001b[${off}m`;
    },
  };
}

/** Order: --color, REEVE_COLOR, NO_COLOR, FORCE_COLOR and CLICOLOR_FORCE, CLICOLOR, TERM, terminal. Source: UX 2.1. */
export function wantsColours({ color, env, isTTY }: Pick<StyleInput, 'color' | 'env' | 'isTTY'>): boolean {
  for (const choice of [color, env['REEVE_COLOR']]) {
    if (choice === 'always') return true;
    if (choice === 'never') return false;
  }
  if (env['NO_COLOR']) return false;
  if (isOn(env['FORCE_COLOR']) || isOn(env['CLICOLOR_FORCE'])) return true;
  if (env['CLICOLOR'] === '0' || env['TERM'] === 'dumb') return false;
  return isTTY;
}

function isOn(value: string | undefined): boolean {
  return value !== undefined && value !== '' && value !== '0' && value !== 'false';
}

/** By the locale: LC_ALL wins over LC_CTYPE, which wins over LANG. */
export function speaksUtf8(env: Env): boolean {
  return /utf-?8/i.test(env['LC_ALL'] || env['LC_CTYPE'] || env['LANG'] || '');
}

interface Look {
  readonly glyph: string;
  readonly ascii: string;
  readonly colour: Colour;
}
const STATES: Readonly<Record<ServiceView['state'], Look>> = {
  stopped: { glyph: '○', ascii: '-', colour: 'grey' },
  waiting: { glyph: '◌', ascii: '.', colour: 'grey' },
  starting: { glyph: '◐', ascii: '>', colour: 'blue' },
  running: { glyph: '●', ascii: '*', colour: 'green' },
  stopping: { glyph: '◑', ascii: '<', colour: 'blue' },
  backoff: { glyph: '↻', ascii: '~', colour: 'yellow' },
  completed: { glyph: '✓', ascii: '+', colour: 'green' },
  failed: { glyph: '✗', ascii: 'x', colour: 'red' },
};
const UNHEALTHY: Look = { glyph: '▲', ascii: '!', colour: 'yellow' };

/** Glyph and colour of a service, which always stand beside its state in words. */
export function lookOf(state: ServiceView['state'], health: HealthName): Look {
  return state === 'running' && health === 'unhealthy' ? UNHEALTHY : STATES[state];
}

const GLYPHS = {
  ok: ['✓', '+'],
  bad: ['✗', 'x'],
  arrow: ['→', '->'],
  dot: ['·', '|'],
  dash: ['—', '-'],
  none: ['–', '-'],
  branch: ['├─', '|-'],
  lastBranch: ['└─', '`-'],
  cut: ['…', '...'],
  rule: ['──', '--'],
} as const;

export function glyph(style: Pick<Style, 'unicode'>, name: keyof typeof GLYPHS): string {
  return GLYPHS[name][style.unicode ? 0 : 1];
}
