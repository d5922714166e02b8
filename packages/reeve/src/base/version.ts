/** The version of this build: held against package.json by a test. */
export const REEVE_VERSION = '0.1.0';
