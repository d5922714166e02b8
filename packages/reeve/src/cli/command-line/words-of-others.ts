/** Words of pm2, compose, supervisorctl and systemctl that mean exactly a command of ours: they are taken for it. */
export const SAME: Readonly<Record<string, string>> = { list: 'ps', ls: 'ps', log: 'logs', tail: 'logs' };

/** Words that mean something near: what to type instead. */
export const THEIRS: Readonly<Record<string, string>> = {
  attach: 'reeve up --attach, or reeve logs -f',
  check: 'reeve validate',
  config: 'reeve validate --verbose',
  delete: 'reeve stop SVC, or reeve down, which also forgets the project',
  del: 'reeve stop SVC, or reeve down, which also forgets the project',
  describe: 'reeve status SVC, or reeve why SVC',
  disable: 'reeve stop SVC, which lasts until it is started again',
  enable: 'reeve start SVC; reeve install starts the daemon at boot',
  flush: 'logs rotate by themselves (logs: max_size, max_files); reeve down --purge removes them',
  info: 'reeve status SVC',
  inspect: 'reeve status SVC --json',
  monit: 'reeve ps, or reeve logs -f',
  port: 'reeve ports',
  process: 'reeve ps',
  pull: 'reeve runs programs, no images',
  reload: 'reeve restart SVC, or reeve signal HUP SVC',
  reread: 'reeve up, which applies the config',
  resurrect: 'nothing to do: the daemon starts again what was up; reeve install starts it at boot',
  rm: 'reeve stop SVC, or reeve down, which also forgets the project',
  save: 'nothing to do: what is up is remembered; reeve install starts the daemon at boot',
  show: 'reeve status SVC, or reeve why SVC',
  shutdown: 'reeve daemon stop --with-services',
  startup: 'reeve install',
  stats: 'reeve ps --wide',
  top: 'reeve ps --wide',
  unstartup: 'reeve uninstall',
  update: 'reeve up, which applies the config',
};
