import { readFileSync } from 'node:fs';
import { homedir, hostname } from 'node:os';
import path from 'node:path';
import { root } from '../root.mjs';
import { run } from '../run.mjs';

/** What may stand in an address without saying anything about a machine. */
const neutralHosts = /^(registry\.npmjs\.org|registry\.example(\.\w+)?)$/;
const neutralHomes = /^\/(home|Users)\/(user|me|you|alice|bob|ada|app|deploy)\b/;

/** Tracked files must not tell on which machine, or from which registry, they were made. */
export async function noTracesOfAMachine() {
  const { code, output } = await run('git', ['ls-files', '-z']);
  if (code !== 0) throw new Error(output);
  const files = output.split('\0').filter(Boolean);
  const found = files.flatMap((file) => traces(file));
  if (found.length > 0) throw new Error(`traces of a machine in tracked files:\n  ${found.join('\n  ')}`);
}

function traces(file) {
  let text;
  try {
    text = readFileSync(path.join(root, file), 'utf8');
  } catch (error) {
    // Deleted in the working tree, but not yet in git.
    if (error.code === 'ENOENT') return [];
    throw error;
  }
  return text.split('\n').flatMap((line, index) => {
    const what = traceIn(line);
    return what === null ? [] : [`${file}:${index + 1}: ${what}`];
  });
}

function traceIn(line) {
  if (isOwn(root) && contains(line, root)) return root;
  if (isOwn(homedir()) && contains(line, homedir())) return homedir();
  if (hostname().length > 7 && line.includes(hostname())) return hostname();
  const home = /\/(?:home|Users)\/[a-z][\w.-]*/i.exec(line)?.[0];
  if (home !== undefined && !neutralHomes.test(home)) return home;
  const host = /https?:\/\/((?:registry|npm|nexus|artifactory)[\w.-]*\.[\w.-]+)/i.exec(line)?.[1];
  return host !== undefined && !neutralHosts.test(host) ? host : null;
}

/** `/root` and `/` are the same on every machine. */
function isOwn(folder) {
  return folder.split('/').length > 2;
}

function contains(line, folder) {
  const at = line.indexOf(folder);
  return at >= 0 && !/[\w-]/.test(line[at + folder.length] ?? '');
}
