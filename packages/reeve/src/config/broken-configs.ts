/** Configs that must be refused, each with where and what the refusal has to say. Data for load.contract.test.ts. */
export interface BrokenConfig {
  readonly why: string;
  readonly text: string;
  /** Default reeve.yaml. */
  readonly file?: string;
  /** `line:column path`, in the order of the file; path empty for the whole file. */
  readonly at: readonly string[];
  /** Words that the report holds. */
  readonly says: readonly string[];
  readonly near?: string;
}

/** A service `a` with more lines (indented by four), beginning in line 4. */
const a = (...lines: readonly string[]): string =>
  ['services:', '  a:', '    command: x', ...lines.map((line) => `    ${line}`), ''].join('\n');

export const BROKEN: readonly BrokenConfig[] = [
  // The file as such
  { why: 'an empty file', text: '', at: ['1:1 '], says: ['is empty', 'services:'] },
  { why: 'only a comment', text: '# later\n', at: ['1:1 '], says: ['is empty'] },
  { why: 'a list instead of a map', text: '- a\n', at: ['1:1 '], says: ['is a list', 'a map'] },
  { why: 'a YAML syntax error', text: 'services:\n  a: [1\n  b: 2\n', at: ['3:3 '], says: ['Flow sequence'] },
  { why: 'two colons in a line', text: a('description: x: y'), at: ['4:18 '], says: ['quote the value'] },
  { why: 'a tab as indent', text: 'services:\n\ta: 1\n', at: ['2:1 '], says: ['tab used for indentation'] },
  { why: 'a key twice', text: a('cwd: .', 'cwd: ..'), at: ['5:5 '], says: ['duplicate key "cwd"'] },
  {
    why: 'a service twice',
    text: 'services:\n  a: { command: x }\n  a: { command: y }\n',
    at: ['3:3 '],
    says: ['duplicate key "a"'],
  },
  { why: 'two documents', text: 'services: {}\n---\nservices: {}\n', at: ['2:1 '], says: ['second YAML document'] },
  { why: 'an alias without anchor', text: 'services:\n  a: *gone\n', at: ['2:6 '], says: ['&gone'] },
  { why: 'a custom tag', text: a('cwd: !!js/function x'), at: ['4:10 '], says: ['tag'] },
  {
    why: 'JSON with a comma too many',
    file: 'reeve.json',
    text: '{ "services": {\n  "a": { "command": "x" },\n} }',
    at: ['3:1 '],
    says: ['comma'],
  },
  { why: 'JSON cut off', file: 'reeve.json', text: '{ "services": {', at: ['1:16 '], says: ['ends too early'] },
  {
    why: 'JSON with single quotes',
    file: 'reeve.json',
    text: "{ 'services': {} }",
    at: ['1:3 '],
    says: ['double quotes'],
  },
  {
    why: 'a JSON key twice',
    file: 'reeve.json',
    text: '{ "services": {}, "services": {} }',
    at: ['1:19 '],
    says: ['duplicate key'],
  },
  { why: 'no services', text: 'project: x\n', at: ['1:1 '], says: ['"services" is missing'] },
  {
    why: 'services without a value',
    text: 'services:\n',
    at: ['1:10 services'],
    says: ['is empty', 'a map of service names'],
  },

  // Keys and types
  {
    why: 'an unknown top key',
    text: 'servces:\n  a: { command: x }\n',
    at: ['1:1 servces'],
    says: ['unknown key "servces"'],
    near: 'services',
  },
  {
    why: 'an unknown key in a service',
    text: 'services:\n  a:\n    comand: x\n',
    at: ['3:5 services.a.comand'],
    says: ['unknown key "comand"'],
    near: 'command',
  },
  {
    why: 'a key in another style',
    text: a('dependsOn: [b]'),
    at: ['4:5 services.a.dependsOn'],
    says: ['unknown key'],
    near: 'depends_on',
  },
  {
    why: 'an unknown key deep inside',
    text: a('health: { tcp: 80, intervall: 5s }'),
    at: ['4:24 services.a.health.intervall'],
    says: ['unknown key'],
    near: 'interval',
  },
  {
    why: 'a key far from all others',
    text: a('zzzzzz: 1'),
    at: ['4:5 services.a.zzzzzz'],
    says: ['expected one of command, shell'],
  },
  {
    why: 'a key of the prototype',
    text: a('constructor: 1', '__proto__: 2'),
    at: ['4:5 services.a.constructor', '5:5 services.a.__proto__'],
    says: ['unknown key "__proto__"'],
  },
  {
    why: 'text for a number',
    text: a('instances: two'),
    at: ['4:16 services.a.instances'],
    says: ['"two"', 'whole number'],
  },
  {
    why: 'text for a switch',
    text: a('oneshot: yes'),
    at: ['4:14 services.a.oneshot'],
    says: ['"yes"', 'true or false'],
  },
  { why: 'a number for text', text: a('description: 5'), at: ['4:18 services.a.description'], says: ['is 5', 'text'] },
  {
    why: 'a map for a list',
    text: a('groups: { web: 1 }'),
    at: ['4:13 services.a.groups'],
    says: ['is a map', 'a list of names'],
  },
  { why: 'a variable with a list', text: a('env: { A: [1] }'), at: ['4:15 services.a.env.A'], says: ['is a list'] },
  { why: 'a variable with nothing', text: a('env:', '  A:'), at: ['5:9 services.a.env.A'], says: ['is empty', '""'] },
  {
    why: 'an unknown policy',
    text: a('restart: onfailure'),
    at: ['4:14 services.a.restart'],
    says: ['"onfailure"'],
    near: 'on-failure',
  },
  {
    why: 'a boolean for a policy',
    text: a('restart: false'),
    at: ['4:14 services.a.restart'],
    says: ['is false', 'always, on-failure'],
  },
  {
    why: 'an unknown condition',
    text: `${a('depends_on: { b: helthy }')}  b: { command: x }\n`,
    at: ['4:22 services.a.depends_on.b'],
    says: ['"helthy"'],
    near: 'healthy',
  },
  {
    why: 'instances out of range',
    text: a('instances: 0'),
    at: ['4:16 services.a.instances'],
    says: ['is 0', 'from 1'],
  },
  { why: 'logs: true', text: a('logs: true'), at: ['4:11 services.a.logs'], says: ['or false'] },

  // Values with a form of their own
  {
    why: 'a duration without unit',
    text: a('stop: { timeout: 5 }'),
    at: ['4:22 services.a.stop.timeout'],
    says: ['is 5', '500ms'],
  },
  {
    why: 'a bad duration',
    text: a('stop: { timeout: 5 parsecs }'),
    at: ['4:22 services.a.stop.timeout'],
    says: ['5 parsecs', '500ms'],
  },
  {
    why: 'a bad size',
    text: a('logs: { max_size: 10MB }'),
    at: ['4:23 services.a.logs.max_size'],
    says: ['10MB', '512M'],
  },
  {
    why: 'a bad budget',
    text: a('restart: { limit: 5/60s }'),
    at: ['4:23 services.a.restart.limit'],
    says: ['5 per 60s'],
  },
  {
    why: 'a back-off the wrong way round',
    text: a('restart: { backoff: 30s..1s }'),
    at: ['4:25 services.a.restart.backoff'],
    says: ['500ms..30s'],
  },
  {
    why: 'a budget that can never trigger',
    text: a('restart: { backoff: 10s..10s, limit: 5 per 50s }'),
    at: ['4:42 services.a.restart.limit'],
    says: ['can never happen', '50s'],
  },
  {
    why: 'a back-off that the default budget can never reach',
    text: a('restart: { backoff: 20s }'),
    at: ['4:25 services.a.restart.backoff'],
    says: ['can never happen', '100s'],
  },
  {
    why: 'an unknown signal',
    text: a('stop: { signal: SIGTRM }'),
    at: ['4:21 services.a.stop.signal'],
    says: ['not a valid signal'],
    near: 'SIGTERM',
  },
  {
    why: 'a signal that stops nothing for good',
    text: a('stop: { signal: SIGSTOP }'),
    at: ['4:21 services.a.stop.signal'],
    says: ['does not end a process'],
  },
  {
    why: 'a bad regular expression',
    text: a("ready: { log: 'a(' }"),
    at: ['4:19 services.a.ready.log'],
    says: ['invalid pattern: missing closing )'],
  },
  {
    why: 'a pattern that only a backtracking engine can evaluate',
    text: a('health: { http: "http://127.0.0.1:1/", body: "^(?!.*down)" }'),
    at: ['4:50 services.a.health.body'],
    says: ['look-ahead is not supported', 'RE2'],
  },
  {
    why: 'a URL of another kind',
    text: a('health: { http: "ftp://x/" }'),
    at: ['4:21 services.a.health.http'],
    says: ['http://'],
  },
  {
    why: 'a path with no port to ask',
    text: a('health: { http: /healthz }'),
    at: ['4:21 services.a.health.http'],
    says: ['declares no TCP port'],
  },
  {
    why: 'a bad address',
    text: a('health: { tcp: "db:http" }'),
    at: ['4:20 services.a.health.tcp'],
    says: ['host:port'],
  },
  {
    why: 'bad status codes',
    text: a('ports: [80]', 'health: { http: /, status: 2xx }'),
    at: ['5:32 services.a.health.status'],
    says: ['200-399'],
  },
  {
    why: 'two kinds of check',
    text: a('health: { tcp: 80, log: x }'),
    at: ['4:24 services.a.health'],
    says: ['tcp and log', 'one of'],
  },
  {
    why: 'no kind of check',
    text: a('health: { interval: 5s }'),
    at: ['4:13 services.a.health'],
    says: ['specifies no check', 'http, tcp'],
  },
  {
    why: 'a check that would never rest',
    text: a('health: { tcp: 80, interval: 0 }'),
    at: ['4:34 services.a.health.interval'],
    says: ['above 0'],
  },
  {
    why: 'a delay beyond the time-out',
    text: a('ready: { delay: 40s }'),
    at: ['4:21 services.a.ready.delay'],
    says: ['ready.timeout (30s)'],
  },
  {
    why: 'an unknown way to be ready',
    text: a('ready: notfy'),
    at: ['4:12 services.a.ready'],
    says: ['"notfy"'],
    near: 'notify',
  },
  { why: 'a mask that is not octal', text: a('umask: 099'), at: ['4:12 services.a.umask'], says: ['octal'] },
  {
    why: 'an unknown limit',
    text: a('limits: { nofiles: 1 }'),
    at: ['4:15 services.a.limits.nofiles'],
    says: ['unknown key'],
    near: 'nofile',
  },

  // Names
  {
    why: 'a name that leaves the folder',
    text: 'services:\n  ../x: { command: x }\n',
    at: ['2:3 services.../x'],
    says: ['is not a valid service name', 'letters'],
  },
  {
    why: 'a name like an option',
    text: 'services:\n  -rf: { command: x }\n',
    at: ['2:3 services.-rf'],
    says: ['is not a valid'],
    near: 'rf',
  },
  {
    why: 'a name with NUL',
    text: 'services:\n  "a\\0b": { command: x }\n',
    at: ['2:3 services.a\0b'],
    says: ['is not a valid'],
    near: 'a-b',
  },
  {
    why: 'a name that turns the text around',
    text: 'services:\n  "a\u202eb": { command: x }\n',
    at: ['2:3 services.a\u202eb'],
    says: ['is not a valid'],
  },
  {
    why: 'a name of 300 characters',
    text: `services:\n  ${'n'.repeat(300)}: { command: x }\n`,
    at: [`2:3 services.${'n'.repeat(300)}`],
    says: ['at most 100'],
  },
  {
    why: 'an accent in a name',
    text: 'services:\n  café: { command: x }\n',
    at: ['2:3 services.café'],
    says: ['is not a valid'],
  },
  {
    why: 'two names that differ by case',
    text: 'services:\n  web: { command: x }\n  Web: { command: x }\n',
    at: ['3:3 services.Web'],
    says: ['differ only by case'],
  },
  {
    why: 'a bad project name',
    text: 'project: my shop\nservices: {}\n',
    at: ['1:10 project'],
    says: ['is not a valid project name'],
    near: 'my-shop',
  },
  {
    why: 'a bad group',
    text: a('groups: [a b]'),
    at: ['4:14 services.a.groups.0'],
    says: ['is not a valid group name'],
    near: 'a-b',
  },

  // Commands
  { why: 'no command', text: 'services:\n  a:\n    cwd: .\n', at: ['2:3 services.a'], says: ['"command" is missing'] },
  { why: 'a service without a value', text: 'services:\n  a:\n', at: ['2:5 services.a'], says: ['is empty'] },
  {
    why: 'an empty list as command',
    text: 'services:\n  a:\n    command: []\n',
    at: ['3:14 services.a.command'],
    says: ['empty list', '[node, server.js]'],
  },
  {
    why: 'an empty text as command',
    text: 'services:\n  a:\n    command: ""\n',
    at: ['3:14 services.a.command'],
    says: ['empty text'],
  },
  {
    why: 'an open quote',
    text: "services:\n  a:\n    command: node 'x\n",
    at: ['3:19 services.a.command'],
    says: ["unclosed quote '"],
  },
  {
    why: 'an empty program',
    text: 'services:\n  a:\n    command: ["", x]\n',
    at: ['3:15 services.a.command.0'],
    says: ['empty word'],
  },
  {
    why: 'NUL in an argument',
    text: 'services:\n  a:\n    command: [x, "a\\0"]\n',
    at: ['3:18 services.a.command.1'],
    says: ['NUL'],
  },
  {
    why: 'a shell for a list',
    text: 'services:\n  a:\n    command: [x]\n    shell: true\n',
    at: ['3:14 services.a.command'],
    says: ['`shell` is set'],
  },

  // Environment and references
  {
    why: 'an equals sign in a name',
    text: a('env: { "A=B": x }'),
    at: ['4:12 services.a.env.A=B'],
    says: ['not a valid variable name'],
  },
  { why: 'NUL in a value', text: a('env: { A: "x\\0" }'), at: ['4:15 services.a.env.A'], says: ['NUL'] },
  {
    why: 'a value too long for the system',
    text: a(`env: { A: ${'x'.repeat(140_000)} }`),
    at: ['4:15 services.a.env.A'],
    says: ['131072 bytes'],
  },
  {
    why: 'a missing env file',
    text: `env_files: [gone.env]\n${a()}`,
    at: ['1:13 env_files.0'],
    says: ['gone.env', 'does not exist'],
  },
  {
    why: 'a missing env file of a service',
    text: a('env_files:', '  - gone.env'),
    at: ['5:9 services.a.env_files.0'],
    says: ['does not exist'],
  },
  {
    why: 'an unknown variable in a command',
    text: 'services:\n  a:\n    command: node ${FIEL}\n    env: { FILE: x }\n',
    at: ['3:19 services.a.command'],
    says: ['unknown variable ${FIEL}', ':-default'],
    near: 'FILE',
  },
  {
    why: 'an unknown variable in env',
    text: a('env: { A: "x${NOPE}" }'),
    at: ['4:17 services.a.env.A'],
    says: ['unknown variable ${NOPE}'],
  },
  {
    why: 'an unknown variable in the shared env',
    text: `env: { A: "\${NOPE}" }\n${a()}`,
    at: ['1:12 env.A'],
    says: ['unknown variable ${NOPE}'],
  },
  {
    why: 'an unknown port',
    text: a('ports: { http: 80 }', 'health: { http: "http://127.0.0.1:${ports.htp}/" }'),
    at: ['5:39 services.a.health.http'],
    says: ['unknown port ${ports.htp}'],
    near: 'ports.http',
  },
  {
    why: 'a reference that is not closed',
    text: a('cwd: ${HOME'),
    at: ['4:10 services.a.cwd'],
    says: ['no closing brace'],
  },
  {
    why: 'a form that only a shell knows',
    text: 'services:\n  a:\n    command: sh -c "echo ${X%%.*}"\n',
    at: ['3:26 services.a.command'],
    says: ['not a supported form', '$${'],
  },
  {
    why: 'a variable that is not a number',
    text: a('env: { N: many }', 'instances: ${N}'),
    at: ['5:16 services.a.instances'],
    says: ['"many"', 'whole number'],
  },

  // Ports
  { why: 'port 0', text: a('ports: [0]'), at: ['4:13 services.a.ports.0'], says: ['is 0', '1 to 65535'] },
  { why: 'a port too high', text: a('ports: { http: 70000 }'), at: ['4:20 services.a.ports.http'], says: ['is 70000'] },
  {
    why: 'an unknown protocol',
    text: a('ports: ["53/upd"]'),
    at: ['4:13 services.a.ports.0'],
    says: ['53/upd', '"53/udp"'],
  },
  {
    why: 'one port as no list',
    text: a('ports: 8080'),
    at: ['4:12 services.a.ports'],
    says: ['is 8080', 'a list such as [8081]'],
  },
  {
    why: 'a port twice',
    text: `${a('ports: [8080]')}  b: { command: x, ports: { http: 8080 } }\n`,
    at: ['5:35 services.b.ports.http'],
    says: ['port 8080 is used by both a and b', 'auto'],
  },
  {
    why: 'a port that a second instance has',
    text: `${a('ports: [8080]', 'instances: 2')}  b: { command: x, ports: [8081] }\n`,
    at: ['6:28 services.b.ports.0'],
    says: ['port 8081 is used by both a:1 and b'],
  },
  {
    why: 'two ports of one service that meet',
    text: a('ports: [8080, 8081]', 'instances: 2'),
    at: ['4:19 services.a.ports.1'],
    says: ['used by both a:1 and a:0'],
  },
  {
    why: 'an instance beyond the last port',
    text: a('ports: [65535]', 'instances: 2'),
    at: ['4:13 services.a.ports.0'],
    says: ['65536'],
  },
  {
    why: 'two names that make one variable',
    text: a('ports: { http-a: 1, http_a: 2 }'),
    at: ['4:25 services.a.ports.http_a'],
    says: ['PORT_HTTP_A'],
  },

  // Dependencies
  {
    why: 'an unknown service in a list',
    text: `${a('depends_on: [databse]')}  database: { command: x }\n`,
    at: ['4:18 services.a.depends_on.0'],
    says: ['unknown service "databse"'],
    near: 'database',
  },
  {
    why: 'an unknown service in a map',
    text: `${a('depends_on: { databse: ready }')}  db: { command: x }\n`,
    at: ['4:19 services.a.depends_on.databse'],
    says: ['unknown service'],
    near: 'db',
  },
  {
    why: 'itself',
    text: a('depends_on: [a]'),
    at: ['4:18 services.a.depends_on.0'],
    says: ['cannot depend on itself'],
  },
  {
    why: 'a cycle',
    text: 'services:\n  web: { command: x, depends_on: [api] }\n  api: { command: x, depends_on: [cache] }\n  cache: { command: x, depends_on: { api: ready } }\n',
    at: ['3:35 services.api.depends_on'],
    says: ['dependency cycle api → cache → api'],
  },
  {
    why: 'waiting for the end of what never ends',
    text: `${a('depends_on: { b: completed }')}  b: { command: x }\n`,
    at: ['4:19 services.a.depends_on.b'],
    says: ['never completes', '`oneshot: true` in b'],
  },
  {
    why: 'a service named twice',
    text: `${a('depends_on: [b, b]')}  b: { command: x }\n`,
    at: ['4:21 services.a.depends_on.1'],
    says: ['listed twice'],
  },

  {
    why: 'U7: a log to be heard, and none is kept',
    text: a('logs: false\n    ready: { log: up }\n    health: { log: ok }'),
    at: ['5:19 services.a.ready.log', '6:20 services.a.health.log'],
    says: ['`logs: false` discards them'],
  },

  {
    why: 'U7: checks of a one-shot',
    text: a('oneshot: true\n    ready: { log: up }\n    health: { tcp: 80 }\n    on_unhealthy: restart'),
    at: ['5:12 services.a.ready', '6:13 services.a.health', '7:19 services.a.on_unhealthy'],
    says: ['a one-shot is ready when it has completed', 'no ready, or no `oneshot`'],
  },
  {
    why: 'U7: limits that Linux does not enforce',
    text: a('limits: { rss: 1G, locks: 5 }'),
    at: ['4:15 services.a.limits.rss', '4:24 services.a.limits.locks'],
    says: ['unknown key "rss"'],
  },

  // Not supported yet
  {
    why: 'a shared port',
    text: a('ports: { http: { port: 80, shared: true } }'),
    at: ['4:40 services.a.ports.http.shared'],
    says: ['not supported by this version yet'],
  },
  {
    why: 'a secret from two places',
    text: a('secrets: { A: { file: x, command: y } }'),
    at: ['4:19 services.a.secrets.A'],
    says: ['file and command cannot be combined', 'one of file, command'],
  },

  // All in one go
  {
    why: 'several at once',
    text: 'project: a b\nservices:\n  a: { comand: x }\n  b: { command: y, depends_on: [c], stop: { timeout: x } }\n',
    at: ['1:10 project', '3:8 services.a.comand', '4:33 services.b.depends_on.0', '4:54 services.b.stop.timeout'],
    says: ['4 problems. Nothing was changed.'],
  },
];
