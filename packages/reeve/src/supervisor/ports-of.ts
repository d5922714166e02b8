import type { PortSpec } from '@reeve/contract';
import { instancePort } from '../core/spec/environment.ts';
import type { Dependencies } from './dependencies.ts';
import type { Instance } from './instance.ts';

export interface OwnPort {
  readonly spec: PortSpec;
  /** null: an `auto` port that has no lease yet. */
  readonly port: number | null;
}

/** The ports of an instance, in the order of its spec: what its run has leased, else what it would have. */
export function portsOf(deps: Dependencies, instance: Instance): readonly OwnPort[] {
  const { spec, live, index, project } = instance;
  if (live) return spec.ports.map((p, i) => ({ spec: p, port: live.leases[i]?.port ?? null }));
  const isOwn = (l: { folder: string; service: string; index: number }): boolean =>
    l.folder === project.row.folder && l.service === spec.name && l.index === index;
  const kept = spec.ports.some((p) => p.port === 'auto')
    ? deps.registry.leases.all().filter((l) => l.kind === 'auto' && isOwn(l))
    : [];
  return spec.ports.map((p) => {
    const fixed = instancePort(p, index);
    if (fixed !== 'auto') return { spec: p, port: fixed };
    const at = kept.findIndex((l) => l.name === p.name);
    return { spec: p, port: kept.splice(at, at < 0 ? 0 : 1)[0]?.port ?? null };
  });
}
