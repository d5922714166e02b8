// Brings the database to the shape that the services expect. It may run any number of times.
import pg from 'pg';
import { log } from './log.js';

/** In order; each runs once. To change the tables, add a step: never edit one that has run somewhere. */
const steps = [
  `create table players (
     id serial primary key,
     name text not null unique
   )`,
  `create table matches (
     id serial primary key,
     home integer not null references players,
     away integer not null references players,
     home_score integer check (home_score >= 0),
     away_score integer check (away_score >= 0),
     check (home <> away),
     check ((home_score is null) = (away_score is null))
   )`,
  `create table standings (
     player integer primary key references players,
     rank integer not null,
     played integer not null,
     won integer not null,
     drawn integer not null,
     lost integer not null,
     scored integer not null,
     conceded integer not null,
     points integer not null
   )`,
];

const client = new pg.Client({ connectionString: process.env.DATABASE_URL });
await client.connect();
try {
  await client.query('begin');
  await client.query('create table if not exists migrations (step integer primary key)');
  const { rows } = await client.query('select count(*)::int as done from migrations');
  const done = rows[0].done;
  for (let step = done; step < steps.length; step += 1) {
    await client.query(steps[step]);
    await client.query('insert into migrations values ($1)', [step + 1]);
  }
  await client.query('commit');
  log('info', done === steps.length ? 'nothing to do' : 'tables are ready', {
    steps: steps.length,
    new: steps.length - done,
  });
} finally {
  await client.end();
}
