// Looks once a second whether players or results have changed, and if so works the standings out anew.
import { setTimeout as pause } from 'node:timers/promises';
import pg from 'pg';
import { log } from './log.js';
import { standings } from './standings.js';
import { onStop } from './stop.js';

const pool = new pg.Pool({ connectionString: process.env.DATABASE_URL, max: 1 });
// The database may restart under us: the pool connects again at the next query.
pool.on('error', (error) => log('error', 'lost the database', { error: error.message }));

const stopping = new AbortController();
let seen = '';

async function recompute() {
  const players = await pool.query('select id from players order by id');
  const matches = await pool.query(
    'select home, away, home_score, away_score from matches where home_score is not null order by id',
  );
  const now = JSON.stringify([players.rows, matches.rows]);
  if (now === seen) return;
  await save(
    standings(
      players.rows.map((player) => player.id),
      matches.rows,
    ),
  );
  seen = now;
  log('info', 'standings written', { players: players.rowCount, matches: matches.rowCount });
}

async function save(rows) {
  const client = await pool.connect();
  try {
    await client.query('begin');
    await client.query('delete from standings');
    await client.query('insert into standings select * from json_populate_recordset(null::standings, $1)', [
      JSON.stringify(rows),
    ]);
    await client.query('commit');
  } catch (error) {
    // A connection that is lost cannot be rolled back, and need not be: it is thrown away.
    await client.query('rollback').catch(() => {});
    throw error;
  } finally {
    client.release();
  }
}

async function watch() {
  log('info', 'watching for results');
  while (!stopping.signal.aborted) {
    try {
      await recompute();
    } catch (error) {
      log('error', 'could not work out the standings, will try again', { error: error.message });
    }
    await pause(1000, undefined, { signal: stopping.signal }).catch(() => {});
  }
}

const watching = watch();
onStop(async () => {
  stopping.abort();
  await watching;
  await pool.end();
});
