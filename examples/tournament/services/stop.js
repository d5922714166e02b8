import { log } from './log.js';

/** Runs `finish` once when the service is asked to stop, then ends. */
export function onStop(finish) {
  let stopping = false;
  for (const signal of ['SIGTERM', 'SIGINT']) {
    process.on(signal, async () => {
      if (stopping) return;
      stopping = true;
      log('info', 'stopping', { signal });
      try {
        await finish();
        log('info', 'stopped cleanly');
        process.exit(0);
      } catch (error) {
        log('error', 'stopped with an error', { error: error.message });
        process.exit(1);
      }
    });
  }
}
