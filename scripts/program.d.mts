import type { BuildOptions } from 'esbuild';

export function programFiles(
  dist: string,
  name: string,
  entry: string,
  options?: BuildOptions,
): Promise<readonly (readonly [path: string, text: string])[]>;
