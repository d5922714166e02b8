import type { ServiceSpec } from '@reeve/contract';
import { wordsCommand } from './command-line.ts';

/** A whole service of a test: the defaults of a config, and what the test wants to be otherwise. */
export function testSpec(changes: Partial<ServiceSpec> = {}): ServiceSpec {
  return {
    name: 'web',
    description: '',
    command: wordsCommand(['node', 'x']),
    cwd: '/p',
    env: {},
    env_files: [],
    ports: [],
    ready: null,
    ready_timeout: 30_000,
    health: null,
    on_unhealthy: 'restart',
    depends_on: [],
    restart: { policy: 'on-failure', backoff: { min: 500, max: 30_000 }, limit: { count: 5, period: 60_000 } },
    stop: { signal: 'SIGTERM', timeout: 10_000, timeout_declared: false, mode: 'main_first', command: null },
    oneshot: false,
    instances: 1,
    autostart: true,
    user: null,
    group: null,
    umask: null,
    nice: null,
    limits: {},
    logs: null,
    groups: [],
    capabilities: [],
    is_system: false,
    secrets: {},
    cleanup: null,
    ...changes,
  };
}
