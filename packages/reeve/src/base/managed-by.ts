/** In the environment that our units give the daemon (cli/install/unit-text.ts). */
const MANAGED_BY = 'REEVE_MANAGED_BY';

/** Who started this daemon, or the daemon of this keeper, and will start it again; null: a command that needed one. */
export function manager(): 'systemd' | null {
  return process.env[MANAGED_BY] === 'systemd' ? 'systemd' : null;
}
