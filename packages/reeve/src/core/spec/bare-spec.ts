import type { ServiceSpec } from '@reeve/contract';
import { wordsCommand } from './command-line.ts';

/**
 * A command line of which nothing else is declared, as a service that is never started again by itself. The words stand
 * as they are: no `${…}` in them is replaced.
 */
export function bareSpec(name: string, words: readonly string[], cwd: string): ServiceSpec {
  return {
    name,
    description: '',
    command: wordsCommand(words.map(literal)),
    cwd: literal(cwd),
    env: {},
    env_files: [],
    ports: [],
    ready: null,
    ready_timeout: 30_000,
    health: null,
    on_unhealthy: 'nothing',
    depends_on: [],
    restart: { policy: 'never', backoff: { min: 500, max: 30_000 }, limit: null },
    stop: { signal: 'SIGTERM', timeout: 10_000, timeout_declared: false, mode: 'main_first', command: null },
    oneshot: false,
    instances: 1,
    autostart: false,
    user: null,
    group: null,
    umask: null,
    nice: null,
    limits: {},
    logs: { max_size: 10 * 1024 ** 2, max_files: 5, max_age: null, compress: true },
    groups: [],
    capabilities: [],
    is_system: false,
    secrets: {},
    cleanup: null,
  };
}

function literal(text: string): string {
  return text.replaceAll('${', () => '$${');
}
