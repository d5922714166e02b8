import { run as advertisements } from '../commands/advertisements.ts';
import { run as cleanup } from '../commands/cleanup.ts';
import { run as complete } from '../commands/complete.ts';
import { run as completion } from '../commands/completion.ts';
import { run as daemonLogs } from '../commands/daemon-logs.ts';
import { run as daemonRun } from '../commands/daemon-run.ts';
import { run as daemonStart } from '../commands/daemon-start.ts';
import { run as daemonStatus } from '../commands/daemon-status.ts';
import { run as daemonStop } from '../commands/daemon-stop.ts';
import { run as daemonUpgrade } from '../commands/daemon-upgrade.ts';
import { run as down } from '../commands/down.ts';
import { run as events } from '../commands/events.ts';
import { run as exec } from '../commands/exec.ts';
import { run as graph } from '../commands/graph.ts';
import { run as help } from '../commands/help.ts';
import { run as hunt } from '../commands/hunt.ts';
import { run as install } from '../commands/install.ts';
import { run as kill } from '../commands/kill.ts';
import { run as logs } from '../commands/logs.ts';
import { run as ports } from '../commands/ports.ts';
import { run as register } from '../commands/register.ts';
import { run as restart } from '../commands/restart.ts';
import { run } from '../commands/run.ts';
import { run as signal } from '../commands/signal.ts';
import { run as start } from '../commands/start.ts';
import { run as status } from '../commands/status.ts';
import { run as stop } from '../commands/stop.ts';
import { run as uninstall } from '../commands/uninstall.ts';
import { run as unregister } from '../commands/unregister.ts';
import { run as up } from '../commands/up.ts';
import { run as validate } from '../commands/validate.ts';
import { run as version } from '../commands/version.ts';
import { run as wait } from '../commands/wait.ts';
import { run as why } from '../commands/why.ts';
import type { Run } from './command-table.ts';

/** Every command but `ps`, by name. */
export const OTHER_COMMANDS: Readonly<Record<string, Run>> = {
  up: up,
  start: start,
  stop: stop,
  restart: restart,
  down: down,
  status: status,
  why: why,
  wait: wait,
  logs: logs,
  events: events,
  ports: ports,
  hunt: hunt,
  kill: kill,
  run: run,
  exec: exec,
  signal: signal,
  advertisements: advertisements,
  cleanup: cleanup,
  register: register,
  unregister: unregister,
  validate: validate,
  graph: graph,
  'daemon run': daemonRun,
  'daemon start': daemonStart,
  'daemon stop': daemonStop,
  'daemon status': daemonStatus,
  'daemon upgrade': daemonUpgrade,
  'daemon logs': daemonLogs,
  install: install,
  uninstall: uninstall,
  completion: completion,
  help: help,
  version: version,
  __complete: complete,
};
