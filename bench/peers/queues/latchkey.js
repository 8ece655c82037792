// Latchkey: the same, by SQL functions from the same driver, and with `latchkey-gateway work`.
import { spawn } from 'node:child_process';
import { PAYLOAD, clock, during, main, percentiles, pool, sleep, untilEmpty } from './measure.js';

const BATCH = 1000;
const CLAIMED = 500;
const BUILT_IN = 'latchkey.purge_jobs'; // finds nothing to purge
await pool.query('TRUNCATE latchkey.jobs, latchkey.job_history');
await pool.query('UPDATE latchkey.job_schedules SET enabled = false');

const batchOf = (n, type) => JSON.stringify(Array.from({ length: n }, () => ({ type, payload: PAYLOAD })));
const add = () => pool.query({ name: 'add', text: 'SELECT id FROM latchkey.enqueue_job($1, $2)', values: ['noop', PAYLOAD] });
const addBatch = (n, type) => pool.query({ name: 'batch', text: 'SELECT latchkey.enqueue_jobs($1)', values: [batchOf(n, type)] });

async function fill(jobs, type) {
  for (let i = 0; i < jobs; i += BATCH) await addBatch(Math.min(BATCH, jobs - i), type);
  await pool.query('VACUUM ANALYZE latchkey.jobs');
}

// As a worker of one's own does it.
async function doSome(most) {
  const { rows } = await pool.query({
    name: 'claim', values: [most],
    text: "SELECT account_id, id, type, payload, lease_token FROM latchkey.claim_jobs('{noop}', 'bench', $1)",
  });
  if (rows.length === 0) return 0;
  const values = ['account_id', 'id', 'lease_token'].map((column) => rows.map((row) => row[column]));
  if (most === 1) {
    await pool.query({ name: 'complete', text: 'SELECT latchkey.complete_job($1, $2, $3)', values: values.flat() });
    return 1;
  }
  const done = await pool.query({ name: 'completes', text: 'SELECT latchkey.complete_jobs($1, $2, $3) AS refused', values });
  if (done.rows[0].refused.length > 0) throw new Error('a completion was refused');
  return rows.length;
}

async function drain(jobs, loops, most) {
  await fill(jobs, 'noop');
  const metrics = await untilEmpty(loops, () => doSome(most));
  if (metrics.statements !== jobs) throw new Error(`${metrics.statements} of ${jobs} jobs were done`);
  return metrics;
}

function startWorker(threads) {
  const url = `host=${process.env.PGHOST} port=${process.env.PGPORT} dbname=${process.env.PGDATABASE} user=${process.env.WORKER}`;
  return spawn(process.env.GATEWAY, ['work', '--worker-threads', String(threads), '--worker-database-url', url],
    { stdio: 'ignore' });
}

const ended = async (worker) => {
  const exit = new Promise((resolve) => { worker.on('exit', resolve); });
  worker.kill('SIGTERM');
  await exit;
};

// From before the worker starts until the last job is over.
async function work(jobs) {
  await fill(jobs, BUILT_IN);
  const began = clock();
  const worker = startWorker(10);
  const left = 'SELECT EXISTS (SELECT FROM latchkey.jobs) AS any';
  while ((await pool.query(left)).rows[0].any) await sleep(100);
  const { rows: [{ n, last_ms: lastMs }] } = await pool.query(`SELECT count(*)::integer AS n,
    extract(epoch FROM max(finished_at))::float8 * 1000 AS last_ms FROM latchkey.job_history WHERE status = 'completed'`);
  await ended(worker);
  if (n !== jobs) throw new Error(`${n} of ${jobs} jobs were completed`);
  return { per_second: (jobs * 1000) / (lastMs - began), statements: jobs };
}

// The handler can't tell when it begins: the time when it had done its work, and its completion
// was under way, stands for that.
async function addToStart(times) {
  const worker = startWorker(2);
  await sleep(1500);
  for (let i = 0; i < times; i += 1) {
    await pool.query({
      name: 'ping', text: 'SELECT id FROM latchkey.enqueue_job($1, $2)', values: [BUILT_IN, { began: clock() }],
    });
    await sleep(20);
  }
  await sleep(500);
  const { rows } = await pool.query(`SELECT extract(epoch FROM finished_at)::float8 * 1000 - (payload->>'began')::float8 AS ms
    FROM latchkey.job_history`);
  await ended(worker);
  if (rows.length !== times) throw new Error(`${rows.length} of ${times} jobs were completed`);
  return percentiles(rows.map((row) => row.ms));
}

await main({
  add: (secs) => during(secs, 1, async () => { await add(); return 1; }),
  'add-8': (secs) => during(secs, 8, async () => { await add(); return 1; }),
  batches: (secs) => during(secs, 1, async () => { await addBatch(BATCH, 'noop'); return BATCH; }),
  process: (jobs) => drain(jobs, 10, 1),
  'process-batches': (jobs) => drain(jobs, 4, CLAIMED),
  work,
  'add-to-start': addToStart,
});
