import { dropMark, resolveHome } from '@reeve/host';
import { REEVE_VERSION } from '../base/version.ts';
import { leaveRun } from '../platform/leave-run.ts';
import { builtKeeper, runDaemon } from './main.ts';
import { reportFailure, reportReady } from './report-ready.ts';

/** The program of the daemon, as the CLI starts it: `node reeved.js`, REEVE_HOME in its environment. */
try {
  dropMark();
  const stays = leaveRun();
  if (stays !== null) process.stderr.write(`${stays}\n`);
  await runDaemon({
    home: resolveHome(process.env),
    version: REEVE_VERSION,
    keeper: builtKeeper(import.meta.url),
    onReady: reportReady,
  });
  process.exit(0);
} catch (error) {
  process.exit(reportFailure(error));
}
