import { ConfigSchema } from './schema.ts';

/** The config's JSON Schema (2020-12), for editors: the text of `reeve.schema.json`. */
export function renderJsonSchema(): string {
  const schema = {
    $schema: 'https://json-schema.org/draft/2020-12/schema',
    title: 'reeve config',
    ...(plain(ConfigSchema) as Record<string, unknown>),
  };
  return `${JSON.stringify(schema, null, 2)}\n`;
}

/** Without the keys that only reeve's own checks read. */
function plain(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(plain);
  if (value === null || typeof value !== 'object') return value;
  return Object.fromEntries(
    Object.entries(value)
      .filter(([key]) => !key.startsWith('x-'))
      .map(([key, inner]) => [key, plain(inner)]),
  );
}
