import { type TProperties, Type } from '@sinclair/typebox';

/** An object with these properties and no other. */
export function strict<T extends TProperties>(properties: T) {
  return Type.Object(properties, { additionalProperties: false });
}

/** What a process can be given: names without `=`, nothing with a zero byte. `__proto__` is not a name for a property. */
export const Environment = Type.Record(
  Type.String({ pattern: '^(?!__proto__$)[^=\\u0000]+$' }),
  Type.String({ pattern: '^[^\\u0000]*$' }),
  { additionalProperties: false },
);
