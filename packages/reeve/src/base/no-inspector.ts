/**
 * Imported first by programs that run for weeks: SIGUSR1 would make Node open its inspector on a port that any local
 * user can reach, and run code through.
 */
process.on('SIGUSR1', () => undefined);
