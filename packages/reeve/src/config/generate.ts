import type { TObject, TSchema } from '@sinclair/typebox';
import { branchesOf, expectedOf } from './check-form.ts';
import { NOT_YET } from './not-yet.ts';
import { renderJsonSchema } from './render-schema.ts';
import { ConfigSchema } from './schema.ts';

export { renderJsonSchema };

const HEAD = `# Config reference

Generated from the schema (\`npm run generate\`); do not edit. One strict schema: unknown keys, wrong types and broken references are
refused with file, line, column, what was expected and the nearest right name, and nothing is started.

A config is \`reeve.yaml\` (or \`.yml\`, \`.json\`, \`reeve.config.ts|mts|js|mjs\` with \`defineConfig\` from \`reeve/config\`).

- **Durations**: \`500ms\`, \`2s\`, \`5m\`, \`1h\`, \`7d\`; \`0\` is allowed.
- **Sizes**: bytes, or K, M, G, T (powers of 1024): \`512M\`.
- **Replaced in every string**, from the service's own environment: \`\${VAR}\`, \`\${VAR:-default}\`, \`\${ports.NAME}\`,
  \`\${instance}\`, \`\${project}\`. \`$\${\` is a literal \`\${\`; \`$VAR\` is left alone. An unknown one is refused.
- **Numbers and booleans** in \`command\` lists and \`env\` are taken as they are written: \`1.10\` stays \`1.10\`.
- **Limits, \`nice\` and \`umask\`** that are not given are those of a clean session, not of the shell that called reeve: 1024
  open files (soft), no core files, other limits as process 1 has them, niceness 0, the usual scheduling on all CPUs, OOM
  score adjustment 0, umask 022, no signal blocked or ignored. What reeve may not set is said by \`up\` and \`daemon status\`.
`;

/** The text of `docs/reference/config.md`. */
export function renderConfigReference(): string {
  const service = ConfigSchema.properties.services.patternProperties['^(.*)$'] as TObject;
  const sections = [
    section('Top level', '', ConfigSchema),
    section('A service', 'Keys of `services.<name>`.', service),
    ...nested('services.<name>.', service),
    ...nested('', ConfigSchema),
    notYet(),
  ];
  return `${[HEAD, ...sections].join('\n')}`;
}

function section(title: string, intro: string, schema: TObject): string {
  const required = new Set((schema['required'] as readonly string[] | undefined) ?? []);
  const rows = Object.entries(schema.properties).map(([key, value]) => row(key, value, required.has(key)));
  const table = ['| key | value | default | |', '|---|---|---|---|', ...rows].join('\n');
  return `## ${title}\n\n${intro === '' ? '' : `${intro}\n\n`}${table}\n`;
}

function row(key: string, schema: TSchema, required: boolean): string {
  const fallback =
    schema['default'] === undefined || schema['default'] === '' ? '' : `\`${String(schema['default'])}\``;
  const description = `${schema.description ?? ''}${required ? ' (required)' : ''}`;
  return `| ${[`\`${key}\``, expectedOf(schema), fallback, description].map(cell).join(' | ')} |`;
}

const cell = (text: string): string => text.trim().replaceAll('|', '\\|');

/** Keys whose value is a map of known keys, directly, per name, or as one of its forms. */
function nested(prefix: string, schema: TObject): readonly string[] {
  return Object.entries(schema.properties).flatMap(([key, value]) => {
    if (prefix === '' && key === 'services') return [];
    return branchesOf(value).flatMap((branch) => inner(`${prefix}${key}`, branch));
  });
}

function inner(path: string, branch: TSchema): readonly string[] {
  if (branch['type'] !== 'object') return [];
  if (branch['properties']) return [section(`\`${path}\``, '', branch as TObject)];
  const values = Object.values((branch['patternProperties'] as Record<string, TSchema> | undefined) ?? {});
  return values.flatMap((value) => branchesOf(value).flatMap((one) => inner(`${path}.<name>`, one)));
}

function notYet(): string {
  const rows = NOT_YET.map(({ where, values, how, advice }) => {
    const key = where.join('.').replace('services.*', 'services.<name>').replaceAll('.*', '.<name>');
    return `| ${[`\`${key}\`${values ? `: ${values.join(', ')}` : ''}`, how === 'refuse' ? 'refused' : 'noted', advice].join(' | ')} |`;
  });
  const intro =
    'Known keys that this version does not act on. Where leaving one out would mean something false it is refused; the others are noted by `validate`.';
  return `## Not supported yet\n\n${intro}\n\n| key | | |\n|---|---|---|\n${rows.join('\n')}\n`;
}
