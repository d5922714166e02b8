import { ReeveError } from '@reeve/contract';
import { nearestName } from '../../core/spec/nearest-name.ts';
import type { Project } from '../project.ts';

/** Service names of a selection (all when it is empty), refusing unknown ones with the nearest known. */
export function selectServices(project: Project, selection: readonly string[]): readonly string[] {
  const known = [...project.services.keys()];
  if (selection.length === 0) return known;
  return [...new Set(selection.map((wanted) => resolveSelector(project, known, wanted)))];
}

/** Like {@link selectServices}, for what can only be wanted of whole services: an intent is a service's. */
export function selectWhole(project: Project, selection: readonly string[]): readonly string[] {
  const names = selectServices(project, selection);
  const part = selection.find((wanted) => indexOf(wanted) !== null);
  if (part === undefined) return names;
  const name = nameOf(part);
  throw new ReeveError('USAGE', {
    message: `${part} is one instance, and this version starts, stops and restarts whole services`,
    hint: `name the service: ${name}`,
  });
}

/** `web:7` of two instances is none, and not all of them. */
function resolveSelector(project: Project, known: readonly string[], wanted: string): string {
  const name = resolveName(project, known, wanted);
  const index = indexOf(wanted);
  if (index === null || project.service(name).instances[index]) return name;
  throw new ReeveError('SERVICE_UNKNOWN', { name: wanted, project: project.row.name, near: name });
}

function resolveName(project: Project, known: readonly string[], wanted: string): string {
  const name = nameOf(wanted);
  const found = known.find((k) => k === name) ?? known.find((k) => k.toLowerCase() === name.toLowerCase());
  if (found) return found;
  throw new ReeveError('SERVICE_UNKNOWN', {
    name: wanted,
    project: project.row.name,
    near: nearestName(name, known) ?? undefined,
  });
}

/** Of one instance, as in `web:1`; null: the selector names a whole service. */
export function indexOf(selector: string): number | null {
  const index = /:(\d+)$/.exec(selector)?.[1];
  return index === undefined ? null : Number(index);
}

function nameOf(selector: string): string {
  return selector.replace(/:\d+$/, '');
}
