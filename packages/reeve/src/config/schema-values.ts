import { type SchemaOptions, type TLiteral, type TSchema, type TUnion, Type } from '@sinclair/typebox';
import { BUDGET_PATTERN, DURATION_PATTERN, SIZE_PATTERN } from '../core/spec/durations.ts';

/**
 * The scalars of the config schema. `x-expected` completes "expected …"; it and other `x-` keys never leave this floor.
 * A string with `${…}` is judged after its replacement, so every pattern lets one through.
 */
declare module '@sinclair/typebox' {
  interface SchemaOptions {
    'x-expected'?: string;
  }
}

const withReference = (pattern: string): string => `${pattern}|\\$\\{`;

/** A value that holds `${…}` and becomes a number when the config is loaded. */
const Reference = Type.String({ pattern: '\\$\\{' });

export const DURATION = 'a duration such as 500ms, 2s, 5m or 1h (0 is allowed)';
export const SIZE = 'a size in bytes, or with K, M, G or T (powers of 1024), such as 512M';
export const BUDGET = 'a budget such as "5 per 60s", or none';
export const BACKOFF = 'a back-off such as 500ms..30s, one duration, or 0';
export const PORT = 'a port from 1 to 65535';

export const duration = (options: SchemaOptions) =>
  Type.Union([Type.String({ pattern: withReference(DURATION_PATTERN) }), Type.Literal(0)], {
    'x-expected': DURATION,
    ...options,
  });
export const size = (options: SchemaOptions) =>
  Type.Union([Type.String({ pattern: withReference(SIZE_PATTERN) }), Type.Integer({ minimum: 0 })], {
    'x-expected': SIZE,
    ...options,
  });
export const budget = (options: SchemaOptions) =>
  Type.String({ pattern: withReference(BUDGET_PATTERN), 'x-expected': BUDGET, ...options });
export const backoffRange = (options: SchemaOptions) =>
  Type.Union([Type.String(), Type.Literal(0)], { 'x-expected': BACKOFF, ...options });

export const integer = (minimum: number, maximum: number, options: SchemaOptions) =>
  Type.Union([Type.Integer({ minimum, maximum }), Reference], {
    'x-expected': `a whole number from ${minimum} to ${maximum}`,
    ...options,
  });

export const text = (options: SchemaOptions) => Type.String({ 'x-expected': 'text', ...options });
export const bool = (options: SchemaOptions) => Type.Boolean({ 'x-expected': 'true or false', ...options });

export function oneOf<const V extends readonly string[]>(values: V, options: SchemaOptions) {
  const union = Type.Union(
    values.map((value) => Type.Literal(value)),
    { 'x-expected': `one of ${values.join(', ')}`, ...options },
  );
  return union as unknown as TUnion<{ [K in keyof V]: TLiteral<V[K] & string> } & TSchema[]>;
}

/** Text, or a number or boolean that is taken as it is written. */
export const AsWritten = Type.Union([Type.String(), Type.Number(), Type.Boolean()], {
  'x-expected': 'text, a number or true/false (write "" for nothing)',
});

/** A file path. */
export const path = (options: SchemaOptions) => Type.String({ minLength: 1, 'x-expected': 'a path', ...options });

/** Keys that are not known yet in every detail: later issues settle them. */
export const open = (options: SchemaOptions) => Type.Record(Type.String(), Type.Unknown(), options);

/** Only the named keys. */
export const strict = { additionalProperties: false } as const;
