import { parseArgs } from 'node:util';

export const USAGE = `usage: npm run soak -- [options]
  --minutes N     how long at most (default 10)
  --kills N       SIGKILLs of the daemon; fewer only when the time is over (default: as many as fit)
  --services N    how many services (default 50)
  --upgrades N    upgrades between two builds, spread over the kills (default 0)
  --keeper        every tenth kill is the keeper's (exit statuses may then be unobserved)
  --seed N        repeat the choices of another soak`;

/** Numbers and switches of the command line. Throws what parseArgs throws; a number that is none is refused. */
export function readOptions(args) {
  const { values } = parseArgs({
    args,
    options: {
      minutes: { type: 'string', default: '10' },
      kills: { type: 'string' },
      services: { type: 'string', default: '50' },
      upgrades: { type: 'string', default: '0' },
      keeper: { type: 'boolean', default: false },
      seed: { type: 'string', default: String(Math.floor(Math.random() * 1e9)) },
    },
  });
  return {
    minutes: number('minutes', values.minutes),
    kills: values.kills === undefined ? Number.POSITIVE_INFINITY : number('kills', values.kills),
    services: number('services', values.services),
    upgrades: number('upgrades', values.upgrades),
    keeper: values.keeper,
    seed: number('seed', values.seed),
  };
}

function number(name, text) {
  const value = Number(text);
  if (!(value >= 0)) throw new Error(`--${name} takes a number, not "${text}"`);
  return value;
}

/** A generator of numbers 0 ≤ x < 1 that a seed repeats (mulberry32). */
export function seeded(seed) {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let t = Math.imul(state ^ (state >>> 15), 1 | state);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 4294967296;
  };
}
