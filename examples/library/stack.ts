// stack.ts
import { announceProcessManagement, discoverByCapability, discoverService } from '@reeve/sdk';

const announced = await announceProcessManagement({
  name: 'cache-stack',
  processes: ['redis-server'],
  ports: [{ name: 'redis', port: 46379 }],
  start: ['sh', '-c', 'exit 0'],
  cleanup: () => console.log('cleaning up'),
  capabilities: ['CACHE'],
});

for (const manager of await discoverByCapability('PROCESS_MANAGER')) {
  const outcome = await manager.cleanup({ timeout: 5_000 });
  console.log(manager.name, manager.live ? 'live' : 'stale', outcome.reason);
}
await announced.close();
console.log(await discoverService('cache-stack'));
