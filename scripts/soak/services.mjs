/**
 * The load: of ten services four are chatty (a counter on stdout, in Node, Python and sh), two quiet, two crash again and
 * again with codes of their own, one starts slowly, and one is moved about (stopped, started, restarted) all the while.
 */
const KINDS = ['chatty', 'quiet', 'crash', 'chatty', 'moved', 'chatty', 'slow', 'crash', 'quiet', 'chatty'];

const CHATTY = {
  node: (mark) => [
    process.execPath,
    '-e',
    "let i=0; setInterval(() => process.stdout.write('n ' + ++i + '\\n'), 20)",
    mark,
  ],
  python: (mark) => [
    'python3',
    '-c',
    'import time,sys\ni=0\nwhile True:\n i+=1\n print("n",i,flush=True)\n time.sleep(.02)',
    mark,
  ],
  sh: (mark) => ['sh', '-c', 'i=0; while :; do i=$((i+1)); echo "n $i"; sleep 0.05; done', mark],
};

/** name → { kind, mark }, and the config. `mark` stands in the command line: seen from outside, whatever reeve says. */
export function makeLoad(count, base) {
  const languages = Object.keys(CHATTY);
  const known = new Map();
  const services = {};
  for (let n = 0; n < count; n++) {
    const kind = KINDS[n % KINDS.length];
    const name = `${kind}-${n}`;
    const mark = `soak=${base};svc=${name};`;
    known.set(name, { kind, mark });
    services[name] = spec(kind, mark, n, languages[n % languages.length]);
  }
  return { known, config: { project: 'soak', services } };
}

function spec(kind, mark, n, language) {
  if (kind === 'chatty') return { command: CHATTY[language](mark), logs: { max_size: '50M', max_files: 20 } };
  if (kind === 'slow')
    return { command: ['sh', '-c', 'sleep 2; echo ready; exec sleep 100000', mark], ready: { log: '^ready' } };
  if (kind === 'crash')
    return {
      // The code differs from run to run, and the log says which it was.
      command: ['sh', '-c', `c=$(( $$ % 90 + 10 )); echo "code $c"; sleep 1.${n % 10}; exit $c`, mark],
      restart: { policy: 'always', backoff: '300ms..2s', limit: 'none' },
    };
  return { command: ['sh', '-c', 'echo ready; exec sleep 100000', mark], ready: { log: '^ready' } };
}

/** Those whose process must be the same at the end. */
export function isHealthy(kind) {
  return kind === 'chatty' || kind === 'quiet' || kind === 'slow';
}
