import { describe, expect, test } from 'vitest';
import { outlives, type Surroundings } from './outlives.ts';
import { unitText } from './unit-text.ts';

const user = {
  scope: 'user',
  home: '/home/me/.local/state/reeve',
  version: '1.2.3',
  reeve: ['/usr/bin/node', '/opt/reeve/bin/reeve.js'],
} as const;

describe('the unit of a daemon', () => {
  test('runs it in the foreground, hands it its home, and leaves services alone when it ends', () => {
    const text = unitText(user);
    for (const line of [
      'ExecStart=/usr/bin/node /opt/reeve/bin/reeve.js daemon run',
      'ExecReload=/usr/bin/node /opt/reeve/bin/reeve.js daemon upgrade',
      'Environment=REEVE_HOME=/home/me/.local/state/reeve REEVE_MANAGED_BY=systemd',
      'Type=notify',
      'NotifyAccess=all',
      'KillMode=process',
      'RestartPreventExitStatus=5',
      'Delegate=yes',
      'WantedBy=default.target',
    ])
      expect(text.split('\n')).toContain(line);
  });

  test('of the whole machine belongs to its usual target', () => {
    expect(unitText({ ...user, scope: 'system' })).toContain('WantedBy=multi-user.target');
  });

  test('takes paths with blanks, quotes, percent and dollar signs', () => {
    const text = unitText({ ...user, home: '/a "b" 100%/$c', reeve: ['/my node', '/x\\y/$z'] });
    expect(text).toContain('ExecStart="/my node" "/x\\\\y/$$z" daemon run');
    expect(text).toContain('Environment="REEVE_HOME=/a \\"b\\" 100%%/$c" REEVE_MANAGED_BY=systemd');
  });

  test('cannot name a path with a line break', () => {
    expect(() => unitText({ ...user, home: '/a\nExecStart=/bin/sh' })).toThrow(RangeError);
  });
});

describe('services outlive logout and reboot', () => {
  const bare: Surroundings = { systemd: true, unit: null, linger: false, killsUserProcesses: false, user: 'me' };
  test.each<[string, Partial<Surroundings>, boolean, boolean]>([
    ['a unit of the machine', { unit: 'system' }, true, true],
    ['a unit of a user who lingers', { unit: 'user', linger: true }, true, true],
    ['a unit of a user who does not', { unit: 'user' }, false, false],
    ['no unit', {}, true, false],
    ['no unit, and logind cleans up', { killsUserProcesses: true }, false, false],
    ['no unit, logind cleans up, but root', { killsUserProcesses: true, user: 'root' }, true, false],
    ['no systemd', { systemd: false }, true, false],
  ])('%s', (_, now, logout, reboot) => {
    const { logout: l, reboot: r } = outlives({ ...bare, ...now });
    expect([l.yes, r.yes]).toEqual([logout, reboot]);
    for (const { why } of [l, r]) expect(why).toMatch(/\w/);
  });
});
