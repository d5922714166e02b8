import { type KillTarget, NAME_PATTERN, ReeveError } from '@reeve/contract';
import { isPid } from '@reeve/host';

const HINT = 'a service, a pid, :port, or --pattern RE';

/** Throws USAGE for what is none of them, NOT_PERMITTED for a number that is the pid of nothing that may be ended. */
export function parseKillTarget(word: string | undefined, pattern: string | null): KillTarget {
  if ((word === undefined) === (pattern === null)) {
    throw new ReeveError('USAGE', {
      message: pattern === null ? 'nothing to kill' : 'give a name or --pattern, not both',
      hint: HINT,
    });
  }
  if (pattern !== null) return { kind: 'pattern', pattern };
  const text = word ?? '';
  if (/^[+-]?\d+$/.test(text)) return asPid(text);
  if (text.startsWith(':')) return asPort(text);
  const [first = '', second, ...more] = text.split('/');
  const names = second === undefined ? [first] : [first, second, ...more];
  if (names.length > 2 || !names.every((name) => NAME_PATTERN.test(name))) {
    throw new ReeveError('USAGE', { message: `"${text}" is neither a name nor a pid nor a port`, hint: HINT });
  }
  return { kind: 'name', project: second === undefined ? null : first, name: second ?? first };
}

/** 0, 1, negative and impossible numbers mean groups, every process, or init to kill(2): none of them ever gets there. */
function asPid(text: string): KillTarget {
  const pid = Number(text);
  if (isPid(pid) && /^\d/.test(text)) return { kind: 'pid', pid };
  throw new ReeveError('NOT_PERMITTED', {
    message: `reeve never kills pid ${text}`,
    hint: 'a pid is a whole number above 1; reeve hunt NAME shows pids',
  });
}

function asPort(text: string): KillTarget {
  const port = /^:\d{1,5}$/.test(text) ? Number(text.slice(1)) : 0;
  if (port >= 1 && port <= 65_535) return { kind: 'port', port };
  throw new ReeveError('USAGE', { message: `"${text}" is not a valid port`, hint: 'a number from 1 to 65535' });
}
