// manager.ts
import { createServer } from 'node:net';
import { getProcessManager, hunt, killPattern, listServices, startServiceSafe } from '@reeve/sdk';

const manager = getProcessManager();
const one = await manager.enforceSingleInstance('nightly-job');
if (!one.ok) {
  console.error(`${one.message}`);
  process.exit(one.handedOver ? 0 : 5);
}
await manager.cleanupOnStartup(); // what an earlier start left behind
manager.addShutdownHandler(async () => console.log('bye'), { timeout: 2_000 });
manager.registerShutdownHandlers();

const server = createServer().listen(0, '127.0.0.1');
await new Promise((resolve) => server.once('listening', resolve));
const address = server.address();
const port = typeof address === 'object' && address !== null ? address.port : 0;
manager.registerManagedPort(port, 'http');

const holder = await manager.findProcessByPort(port);
console.log(holder?.pid === process.pid, (await manager.isPortInUse(port)) === true);

const result = await manager.killProcessOnPort(port);
if (!result.ok) console.log(result.reason); // it is this program

if (!(await manager.ensurePortAvailable(port, { maxRetries: 1 })).ok) console.log('still taken');
console.log(
  manager.getProcessStatus().managedPorts.length,
  (await listServices()).some(({ name }) => name === 'nightly-job'),
);
console.log((await hunt('no-such-program-anywhere')).length, (await killPattern(/no-such-program-anywhere/)).reason);
console.log((await startServiceSafe('true')).ok);
server.close();
