// The house: imports go down only. Each floor lists what it may stand on; everything else is refused.
const floors = {
  base: [],
  core: ['base'],
  platform: ['base', 'core'],
  registry: ['base', 'core'],
  logs: ['base', 'core'],
  probes: ['base', 'core'],
  config: ['base', 'core'],
  announcements: ['base', 'core'],
  keeper: ['base'],
  supervisor: ['base', 'core'],
  operations: ['base', 'core', 'platform', 'registry', 'logs', 'config', 'announcements', 'supervisor'],
  daemon: [
    'base',
    'core',
    'platform',
    'registry',
    'logs',
    'probes',
    'config',
    'announcements',
    'supervisor',
    'operations',
    'keeper',
  ],
  cli: ['base', 'core', 'config', 'operations'],
};
const src = 'packages/reeve/src';
const tests = '\\.test\\.ts$';

const floorRules = Object.entries(floors).map(([floor, below]) => ({
  name: `floor-${floor}`,
  severity: 'error',
  comment: `${floor}/ may import only: ${[floor, ...below].join(', ')}`,
  from: { path: `^${src}/${floor}/`, pathNot: tests },
  to: { path: `^${src}/`, pathNot: `^${src}/(${[floor, ...below].join('|')})/` },
}));

module.exports = {
  forbidden: [
    ...floorRules,
    {
      name: 'cli-without-supervisor',
      severity: 'error',
      comment: 'without a daemon the CLI uses the operations over an offline picture: a supervisor is never part of it',
      from: { path: `^${src}/cli/`, pathNot: tests },
      to: { path: `^${src}/supervisor/`, reachable: true },
    },
    { name: 'no-cycles', severity: 'error', from: {}, to: { circular: true } },
    {
      name: 'core-is-pure',
      severity: 'error',
      comment:
        'core/ decides and touches nothing: no Node module, no package but the words of the contract (types only)',
      from: { path: `^${src}/core/`, pathNot: tests },
      to: { pathNot: [`^${src}/(core|base)/`, '^packages/contract/'] },
    },
    {
      name: 'core-takes-only-types-from-the-contract',
      severity: 'error',
      from: { path: `^${src}/core/`, pathNot: tests },
      to: { path: '^packages/contract/', dependencyTypesNot: ['type-only'] },
    },
    {
      name: 'keeper-is-bare',
      severity: 'error',
      comment:
        'the keeper imports base/, its protocol in the contract, Node, and of host the system-call binding, locks and identities; nothing else',
      from: { path: `^${src}/keeper/`, pathNot: tests },
      to: {
        pathNot: [`^${src}/(keeper|base)/`, '^packages/(contract|host)/', 'node_modules/koffi'],
        dependencyTypesNot: ['core'],
      },
    },
    {
      name: 'contract-imports-nothing',
      severity: 'error',
      from: { path: '^packages/contract/src/', pathNot: tests },
      to: { pathNot: '^packages/contract/src/' },
    },
    {
      name: 'host-stands-on-the-contract',
      severity: 'error',
      from: { path: '^packages/host/src/' },
      to: { path: '^packages/(sdk|reeve)/' },
    },
    {
      name: 'sdk-does-not-know-the-product',
      severity: 'error',
      from: { path: '^packages/sdk/src/' },
      to: { path: '^packages/reeve/' },
    },
    {
      name: 'no-junk-drawers',
      severity: 'error',
      comment: 'a folder is named by what it does',
      from: {},
      to: { path: '/(utils|common|helpers|lib|shared|managers)/', pathNot: 'node_modules' },
    },
    { name: 'not-to-unresolvable', severity: 'error', from: {}, to: { couldNotResolve: true } },
  ],
  options: {
    doNotFollow: { path: 'node_modules' },
    tsPreCompilationDeps: true,
    tsConfig: { fileName: 'tsconfig.json' },
    enhancedResolveOptions: {
      exportsFields: ['exports'],
      conditionNames: ['reeve-source', 'import', 'node', 'types', 'default'],
      extensions: ['.ts', '.js', '.mjs', '.cjs', '.json'],
    },
  },
};
