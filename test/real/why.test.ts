import type { WhyView } from '@reeve/contract';
import { expect, test } from 'vitest';
import { untilService } from '../harness/ask.ts';
import { startReeve } from '../harness/reeve.ts';

const story = ({ because }: WhyView) => because.map(({ service, event }) => `${service} ${event}`);

test('a service that waits names the culprit at the end of the chain, what it is doing, and what to type next', async () => {
  await using reeve = startReeve();
  reeve.project({
    services: {
      db: { command: reeve.program('stays', 'name=db'), ready: { log: 'never written', timeout: '60s' } },
      api: { command: reeve.program('stays', 'name=api'), depends_on: ['db'] },
      web: { command: reeve.program('stays', 'name=web'), depends_on: ['api'] },
    },
  });
  const up = reeve.start(['up', '-d']);
  await untilService(reeve, 'db', ({ state }) => state === 'starting');
  await untilService(reeve, 'web', ({ reason }) => reason?.includes('db') ?? false);
  const why = await reeve.json<WhyView>(['why', 'web']);
  expect(why.roots).toMatchObject([{ name: 'db', state: 'starting' }]);
  expect(why.waits_for).toEqual(['api is waiting: db is not ready yet']);
  const text = (await reeve.run(['why', 'web'])).stdout;
  expect(text).toMatch(/held up by +db, which is starting \(wanted: up\): no line matches/);
  expect(text).toContain('Try: reeve why db');
  expect((await reeve.json<WhyView>(['why', 'db'])).blocks).toEqual(['api']);
  up.kill();
});

test('a changed config is the beginning of the story that ends in a crash, told with what the program said', async () => {
  await using reeve = startReeve();
  const api = { command: reeve.program('stays', 'name=api'), restart: { limit: '1 per 60s', backoff: '10ms' } };
  const web = {
    command: reeve.program('stays', 'name=web'),
    depends_on: { api: { condition: 'ready', on_down: 'stop' } },
  };
  reeve.project({ services: { api, web } });
  await reeve.json(['up']);
  reeve.project({ services: { api: { ...api, command: reeve.program('crash-after', 'code=4') }, web } });
  await reeve.run(['up', '-d']);
  const failed = await untilService(reeve, 'api', ({ state }) => state === 'failed');
  expect(failed.reason).toBe('exited with code 4; restarted 1 times in 60s, the limit');
  await untilService(
    reeve,
    'web',
    ({ state, reason }) => state === 'waiting' && (reason?.includes('has failed') ?? false),
  );

  const why = await reeve.json<WhyView>(['why', 'api']);
  expect(story(why)).toEqual(['api service.exited', 'api service.failed']);
  expect(why.crash).toMatchObject({ cause: 'code', lines: ['crashing in 0 ms', 'crashed on purpose'] });
  const started = why.events.findLast(({ event }) => event === 'service.stopping');
  expect(why.events.find(({ seq }) => seq === started?.cause)).toMatchObject({
    event: 'service.wanted',
    data: { action: 'up', changes: [{ field: 'command', cost: 'restart' }] },
  });
  const above = await reeve.json<WhyView>(['why', 'web']);
  expect(above.roots).toMatchObject([{ name: 'api', state: 'failed' }]);
  expect(story(above).at(0)).toMatch(/^api service\./);
  const text = (await reeve.run(['why', 'api'])).stdout;
  expect(text).toMatch(/because +\S+ exited with code 4/);
  expect(text).toMatch(/said +crashed on purpose/);
});

test('why answers from the record with the daemon down, with the same story', async () => {
  await using reeve = startReeve();
  reeve.project({ services: { api: { command: reeve.program('exit-with', 'code=4'), restart: 'never' } } });
  await reeve.run(['up', '-d']);
  const before = await reeve.json<WhyView>(['why', 'api']);
  await reeve.run(['daemon', 'stop']);
  const after = await reeve.json<WhyView>(['why', 'api']);
  expect(story(after)).toEqual(story(before));
  expect(after.crash).toEqual(before.crash);
});
