import { spawnSync } from 'node:child_process';
import { describe, test } from 'vitest';
import { announcedActionsContract } from '../contract-suites/announced-actions.ts';
import { controlSocketContract } from '../contract-suites/control-socket.ts';
import { guardAndOthersContract } from '../contract-suites/guard-and-others.ts';
import { listHuntKillContract } from '../contract-suites/list-hunt-kill.ts';
import { nameAndCardContract, race } from '../contract-suites/name-and-card.ts';
import { portsAndKillsContract } from '../contract-suites/ports-and-kills.ts';
import { processManagerContract } from '../contract-suites/process-manager.ts';
import { type Speaker, world } from '../contract-suites/speaker.ts';
import { startRace, startSafeContract } from '../contract-suites/start-safe.ts';
import { program } from '../harness/program.ts';

const node: Speaker = { name: 'Node', command: program('managed-node') };
/** Not through a wrapper that chooses a version: it would cost more than the start itself. */
const found = spawnSync('python3', ['-c', 'import sys; print(sys.executable)'], { encoding: 'utf8' });
const hasPython = found.status === 0;
const interpreter = hasPython ? found.stdout.trim() : 'python3';
const python: Speaker = { name: 'Python', command: [interpreter, ...program('managed-python').slice(1)] };

const nodeManager: Speaker = { name: 'Node', command: program('manager-node') };
const pythonManager: Speaker = { name: 'Python', command: [interpreter, ...program('manager-python').slice(1)] };

const libraries = [
  { speaker: node, manager: nodeManager, racers: 20, is: 'a managed service in Node', isThere: true },
  {
    speaker: python,
    manager: pythonManager,
    racers: 100,
    is: 'a managed service in Python (apt-get install python3)',
    isThere: hasPython,
  },
];

for (const { speaker, manager, racers, is, isThere } of libraries) {
  describe.skipIf(!isThere)(is, () => {
    nameAndCardContract(speaker, racers);
    controlSocketContract(speaker);
    announcedActionsContract(speaker);
    guardAndOthersContract(speaker, manager);
    portsAndKillsContract(manager);
    listHuntKillContract(speaker, manager);
    startSafeContract(speaker, manager);
    processManagerContract(speaker, manager);
  });
}

test.skipIf(!hasPython)('services in Node and in Python race for one name: exactly one holds it', async () => {
  await using here = world();
  await race(
    here,
    Array.from({ length: 20 }, (_, at) => (at % 2 === 0 ? node : python)),
  );
});

test.skipIf(!hasPython)('U25: programs in Node and in Python start one command: exactly one does', async () => {
  await using here = world();
  await startRace(here, [nodeManager, pythonManager, nodeManager, pythonManager]);
});
