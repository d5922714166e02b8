/** One systemd unit that runs the daemon of one home. */
export interface UnitOptions {
  readonly scope: 'user' | 'system';
  readonly home: string;
  readonly version: string;
  /** argv of the command `reeve`. */
  readonly reeve: readonly string[];
}

/**
 * The text of the unit. Why each line is as it is: docs/decisions/0012.
 * Throws when a path holds a line break: no unit can name it.
 */
export function unitText({ scope, home, version, reeve }: UnitOptions): string {
  const command = reeve.map((word) => quoted(word.replaceAll('$', '$$$$'))).join(' ');
  const uninstall = scope === 'system' ? 'reeve uninstall --system' : 'reeve uninstall';
  return `# Written by reeve ${version}; ${uninstall} removes it. Changes belong in a drop-in: systemctl edit.
[Unit]
Description=reeve, the service and process manager (${escaped(home)})
${scope === 'system' ? 'After=network.target\n' : ''}StartLimitIntervalSec=60
StartLimitBurst=10

[Service]
Type=notify
NotifyAccess=all
ExecStart=${command} daemon run
ExecReload=${command} daemon upgrade
Environment=${quoted(`REEVE_HOME=${home}`)} REEVE_MANAGED_BY=systemd
Restart=on-failure
RestartSec=1
RestartPreventExitStatus=5
KillMode=process
TimeoutStopSec=30
Delegate=yes
OOMPolicy=continue
TasksMax=infinity

[Install]
WantedBy=${scope === 'system' ? 'multi-user.target' : 'default.target'}
`;
}

/** One word. Source: systemd.syntax(7): %, quotes and backslashes are special; $ too, but in commands only. */
function quoted(word: string): string {
  const safe = escaped(word).replaceAll('\\', '\\\\').replaceAll('"', '\\"');
  return /^[\w@%+=:,./$-]+$/.test(safe) ? safe : `"${safe}"`;
}

function escaped(text: string): string {
  if (/[\n\r\0]/.test(text)) throw new RangeError(`a unit cannot name ${JSON.stringify(text)}`);
  return text.replaceAll('%', '%%');
}
