/** A JSON Schema as a TypeScript type, with its descriptions as comments: what people see when they write a config. */
export function typeOf(schema, indent = '') {
  if (schema === true || schema === undefined) return 'unknown';
  if ('const' in schema) return JSON.stringify(schema.const);
  if (schema.enum !== undefined) return union(schema.enum.map((value) => JSON.stringify(value)));
  const choices = schema.anyOf ?? schema.oneOf;
  if (choices !== undefined) return union(choices.map((choice) => typeOf(choice, indent)));
  if (Array.isArray(schema.type)) return union(schema.type.map((type) => typeOf({ ...schema, type }, indent)));
  switch (schema.type) {
    case 'string':
    case 'boolean':
    case 'null':
      return schema.type;
    case 'number':
    case 'integer':
      return 'number';
    case 'array':
      return `readonly (${typeOf(schema.items, indent)})[]`;
    case 'object':
      return objectType(schema, indent);
    default:
      return 'unknown';
  }
}

function union(types) {
  return [...new Set(types)].join(' | ');
}

function objectType(schema, indent) {
  if (schema.properties === undefined) {
    const values = Object.values(schema.patternProperties ?? {})[0] ?? schema.additionalProperties;
    return `{ readonly [name: string]: ${typeOf(values === false ? true : values, indent)} }`;
  }
  const inner = `${indent}  `;
  const required = new Set(schema.required);
  const lines = Object.entries(schema.properties).flatMap(([name, value]) => [
    ...comment(value, inner),
    `${inner}readonly ${JSON.stringify(name)}${required.has(name) ? '' : '?'}: ${typeOf(value, inner)};`,
  ]);
  return `{\n${lines.join('\n')}\n${indent}}`;
}

function comment({ description, default: standard }, indent) {
  const text = [description, standard === undefined ? undefined : `Default: ${JSON.stringify(standard)}.`]
    .filter(Boolean)
    .join('. ')
    .replaceAll('*/', '*\\/');
  return text === '' ? [] : [`${indent}/** ${text} */`];
}
