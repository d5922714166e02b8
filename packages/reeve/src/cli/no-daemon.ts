import type { DaemonView } from '@reeve/contract';

export const NO_DAEMON: DaemonView = { running: false, pid: null, version: null, problems: [] };
