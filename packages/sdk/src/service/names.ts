import { KEBAB_PATTERN, ReeveError } from '@reeve/contract';

const LONGEST = 100;
/** A project and a service. */
const TITLE = /^[A-Za-z0-9_][A-Za-z0-9_-]{0,250}$/;

/** Throws USAGE, saying what a good name looks like, unless it is kebab-case with at most 100 characters. */
export function checkServiceName(name: unknown): asserts name is string {
  if (typeof name === 'string' && KEBAB_PATTERN.test(name) && name.length <= LONGEST) return;
  const near = typeof name === 'string' ? kebab(name) : null;
  throw new ReeveError('USAGE', {
    message: `${show(name)} is not a valid service name: use kebab-case (lower-case letters, digits and single dashes), at most ${LONGEST} characters`,
    hint: near === null ? 'for example: web-editor' : `for example: ${near}`,
  });
}

/** `<project>-<service>` unless a title is given; a given one must begin with the project. Throws USAGE. */
export function titleOf(project: string, service: string, wanted: string | null): string {
  const whole = `${project}-${service}`;
  if (wanted === null) return whole;
  if (wanted.startsWith(`${project}-`) && TITLE.test(wanted)) return wanted;
  throw new ReeveError('USAGE', {
    message: `${show(wanted)} is not a valid process title for project ${project}: it must begin with "${project}-" and contain only letters, digits, _ and -`,
    hint: `for example: ${whole}`,
  });
}

/** `WebEditor` and `web editor` become `web-editor`; null: nothing is left of it. */
function kebab(text: string): string | null {
  const name = text
    .replace(/([a-z0-9])([A-Z])/g, '$1-$2')
    .toLowerCase()
    .replace(/[^a-z0-9]+/g, '-')
    .replace(/^[-0-9]+|-+$/g, '')
    .slice(0, LONGEST);
  return KEBAB_PATTERN.test(name) ? name : null;
}

function show(value: unknown): string {
  return typeof value === 'string' ? JSON.stringify(value.slice(0, 60)) : String(value);
}
