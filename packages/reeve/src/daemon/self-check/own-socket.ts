import type { ControlServer } from '../control/server.ts';
import type { Check } from './self-check.ts';

/** Without its control socket no client finds the daemon, and no other daemon may take its place. */
export function ownSocket(server: ControlServer, path: string): Check {
  return {
    name: 'control socket',
    look: async () => {
      if (server.isInPlace()) return null;
      await server.listenAgain();
      return { kind: 'repaired', what: `its control socket ${path} was removed or replaced: listening again` };
    },
  };
}
