import { expect, test } from 'vitest';
import { defineConfig } from './define.ts';

test('a defined config is what was given, and dependencies are typed by the services of the config', () => {
  const config = defineConfig({
    services: { db: { command: 'x' }, web: { command: ['node', 1], depends_on: { db: 'healthy' } } },
  });
  expect(config.services.web.depends_on).toEqual({ db: 'healthy' });
  // @ts-expect-error a dependency must be one of the services
  defineConfig({ services: { db: { command: 'x' }, web: { command: 'x', depends_on: ['dv'] } } });
  // @ts-expect-error an unknown key
  defineConfig({ services: { db: { comand: 'x' } } });
});
