import path from 'node:path';
import { cgroupsOf, fifosIn, processesWith, sizeOf } from './eyes.mjs';
import { isHealthy } from './services.mjs';

/** Every check returns what is wrong, as sentences. */

export async function firstPids(reeve, known, first) {
  const now = await pidsOf(reeve);
  return [...known]
    .filter(([name, { kind }]) => isHealthy(kind) && now.get(name) !== first.get(name))
    .map(([name]) => `${name}: was pid ${first.get(name)}, is ${now.get(name)}`);
}

export async function pidsOf(reeve) {
  const { services } = await reeve.json(['ps']);
  return new Map(services.map(({ name, pid }) => [name, pid]));
}

/** A counter that starts at 1 has neither gap nor repeat, and is not behind. Adds to `tally.lines`. */
export async function counters(reeve, known, tally) {
  const wrong = [];
  for (const [name, { kind }] of known) {
    if (kind !== 'chatty') continue;
    const seen = (await reeve.lines(['logs', name, '-n', 'all'])).map(({ line }) => Number(line.slice(2)));
    const at = seen.findIndex((n, i) => n !== i + 1);
    if (at >= 0) wrong.push(`${name}: line ${at + 1} of its log says ${seen[at]} (before it ${seen[at - 1]})`);
    if (seen.length === 0) wrong.push(`${name}: its log is empty`);
    tally.lines += seen.length;
  }
  return wrong;
}

/** Each run of a crashing service says its code; the event of its end says the same. Adds to `tally.exits`. */
export async function exitCodes(reeve, known, tally, { mayBeUnobserved }) {
  const wrong = [];
  for (const [name, { kind }] of known) {
    if (kind !== 'crash') continue;
    // The events first: what ends between the two looks has then said its code already.
    const exits = async () =>
      (await reeve.lines(['events', name, '-n', 'all'])).filter(({ event }) => event === 'service.exited');
    const exited = await exits();
    const said = new Map((await reeve.lines(['logs', name, '-n', 'all'])).map(({ run, line }) => [run, line.slice(5)]));
    const ended = new Map();
    for (const { run, message } of exited) ended.set(run, [...(ended.get(run) ?? []), message]);
    for (const [run, messages] of ended) {
      tally.exits += 1;
      if (messages.length > 1) wrong.push(`${name}: the end of run ${run} is reported ${messages.length} times`);
      if (mayBeUnobserved && /unobserved|unknown|not seen|nobody/i.test(messages[0])) continue;
      if (!new RegExp(`\\b${said.get(run)}\\b`).test(messages[0]))
        wrong.push(`${name}: run ${run} said code ${said.get(run)}, the event says "${messages[0]}"`);
    }
    const reported = new Set((await exits()).map(({ run }) => run));
    const missing = [...said.keys()].slice(0, -1).filter((run) => !reported.has(run));
    if (missing.length > 0) wrong.push(`${name}: the end of ${missing.length} runs is not reported: ${missing[0]}`);
  }
  return wrong;
}

/** What must not grow: descriptors and memory of keeper and daemon, FIFOs, cgroups. */
export function inventory(reeve) {
  const keepers = processesWith(`${reeve.home}`).filter(({ command }) => command.includes('keeper.js'));
  const daemon = reeve.daemonPid();
  const services = processesWith(`soak=${reeve.base};`).map(({ pid }) => pid);
  return {
    keepers: keepers.map(({ pid }) => sizeOf(pid)),
    daemon: sizeOf(daemon ?? 0),
    fifos: allFifos(reeve.home),
    cgroups: cgroupsOf(services),
  };
}

function allFifos(home) {
  return fifosIn(path.join(home, 'fifo')) + fifosIn(path.join(home, 'keepers'));
}

export function leaks(before, after, count) {
  const wrong = [];
  const sum = (list, what) => list.reduce((total, each) => total + each[what], 0);
  const more = (what, a, b, room) => {
    if (b > a + room) wrong.push(`${what}: ${a} at first, ${b} at the end`);
  };
  // A crashing service is now there and now not: three descriptors, two FIFOs and one cgroup each.
  more(
    'descriptors of the keepers',
    sum(before.keepers, 'fds'),
    sum(after.keepers, 'fds'),
    count + 40 * after.keepers.length,
  );
  more('MiB of a keeper', 150, Math.max(...after.keepers.map(({ rss }) => rss)), 0);
  more('descriptors of the daemon', before.daemon.fds, after.daemon.fds, 20);
  more('MiB of the daemon', 300, after.daemon.rss, 0);
  more('FIFOs', 2 * count, after.fifos, 2);
  if (before.cgroups !== null && after.cgroups !== null) more('cgroups', count, after.cgroups, 2);
  return wrong;
}

/** After the stop nothing of it is there, seen from outside. */
export function remains(reeve) {
  const left = processesWith(`soak=${reeve.base};`).map(({ pid, command }) => `still there: pid ${pid} ${command}`);
  const fifos = allFifos(reeve.home);
  return fifos === 0 ? left : [...left, `${fifos} FIFOs are left`];
}
