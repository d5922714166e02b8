import '../base/no-inspector.ts';

import { fileURLToPath } from 'node:url';
import { dropMark, enterCleanSession, resolveHome } from '@reeve/host';
import { programBuild } from '../base/fingerprint.ts';
import { manager } from '../base/managed-by.ts';
import { REEVE_VERSION } from '../base/version.ts';
import { leaveRun } from '../platform/leave-run.ts';
import { enterUnitLeaf } from '../platform/unit-cgroup.ts';
import { builtKeeper, runDaemon } from './main.ts';
import { notifyManager } from './notify-manager.ts';
import { reportFailure, reportReady } from './upgrade/report-ready.ts';

/** The program of the daemon, as the CLI starts it: `node reeved.js`, REEVE_HOME in its environment. */
async function main(): Promise<never> {
  try {
    dropMark();
    if (manager() === null) enterCleanSession();
    const stays = manager() === null ? leaveRun() : enterUnitLeaf();
    if (stays !== null) process.stderr.write(`${stays}\n`);
    const program = [process.execPath, fileURLToPath(import.meta.url)];
    const keeper = builtKeeper(import.meta.url);
    await runDaemon({
      home: resolveHome(process.env),
      version: REEVE_VERSION,
      program,
      build: programBuild(program) ?? 'unknown',
      keeper,
      onReady: async () => {
        const untold = await notifyManager();
        if (untold !== null) process.stderr.write(`${untold}\n`);
        reportReady();
      },
    });
    process.exit(0);
  } catch (error) {
    process.exit(reportFailure(error));
  }
}

void main();
