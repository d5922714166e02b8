import path from 'node:path';

/** The project's root folder. A file of its own, so that every script can import it from any other. */
export const root = path.resolve(import.meta.dirname, '..');
