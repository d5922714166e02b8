/** What decides whether services keep running when their user logs out, or the machine starts again. */
export interface Surroundings {
  /** systemd is process 1. */
  readonly systemd: boolean;
  /** The unit that this home has been handed to. */
  readonly unit: 'system' | 'user' | null;
  /** The user's systemd runs without a session. */
  readonly linger: boolean;
  /** logind ends whatever a user has left running. */
  readonly killsUserProcesses: boolean;
  readonly user: string;
}
export interface Outlives {
  /** null: unknown. */
  readonly yes: boolean | null;
  readonly why: string;
}

/** Whether services outlive the logout of their user, and whether they come back after a reboot. Pure. */
export function outlives(now: Surroundings): { readonly logout: Outlives; readonly reboot: Outlives } {
  return { logout: logout(now), reboot: reboot(now) };
}

const INSTALL = 'reeve install hands the daemon to systemd';

function logout({ systemd, unit, linger, killsUserProcesses, user }: Surroundings): Outlives {
  if (unit === 'system') return { yes: true, why: 'a unit of the machine runs the daemon' };
  if (unit === 'user' && linger) return { yes: true, why: `a unit of ${user} runs the daemon, and ${user} lingers` };
  if (unit === 'user')
    return { yes: false, why: `systemd ends the units of ${user} at logout: loginctl enable-linger ${user}` };
  if (!systemd) return { yes: true, why: 'nothing here stops the processes of a user who logs out' };
  if (user === 'root') return { yes: true, why: 'logind leaves the processes of root alone' };
  if (killsUserProcesses) return { yes: false, why: `KillUserProcesses=yes in logind.conf: ${INSTALL}` };
  return { yes: true, why: 'logind leaves running what is left (KillUserProcesses=no)' };
}

function reboot({ systemd, unit, linger, user }: Surroundings): Outlives {
  if (unit === 'system') return { yes: true, why: 'a unit of the machine starts the daemon' };
  if (unit === 'user' && linger) return { yes: true, why: `a unit of ${user} starts the daemon, and ${user} lingers` };
  if (unit === 'user')
    return { yes: false, why: `only when ${user} logs in; at boot with: loginctl enable-linger ${user}` };
  if (!systemd)
    return { yes: false, why: 'nothing starts the daemon: let the init of this machine run `reeve daemon run`' };
  return { yes: false, why: `nothing starts the daemon: ${INSTALL}` };
}
