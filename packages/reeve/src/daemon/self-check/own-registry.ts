import type { OwnRegistry } from '../../registry/open.ts';
import { tellOfRegistry } from '../../supervisor/registry-replaced.ts';
import type { Supervisor } from '../../supervisor/supervisor.ts';
import { writeAnew } from '../../supervisor/write-anew.ts';
import type { AnnouncementMirror } from '../announcement-mirror.ts';
import type { Check } from './self-check.ts';

/** A registry that is removed, emptied, replaced or found damaged is written anew from what the daemon knows. */
export function ownRegistry(
  file: string,
  registry: OwnRegistry,
  supervisor: Supervisor,
  mirror: AnnouncementMirror,
): Check {
  return {
    name: 'registry',
    look: () => {
      const why = registry.misplaced();
      if (why === null) return null;
      const { aside, isHistoryKept } = registry.beginAnew();
      writeAnew(supervisor);
      mirror.writeAnew();
      const what = [
        `the registry ${file} ${why}: written anew from what the daemon knows`,
        isHistoryKept ? 'its history is kept' : 'its history is lost',
        ...(aside === null ? [] : [`what lay there is now ${aside}`]),
      ].join('; ');
      tellOfRegistry(supervisor, what);
      return { kind: 'repaired', what };
    },
  };
}
