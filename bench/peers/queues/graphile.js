// graphile-worker: adding, and its runner.
import { Logger, makeWorkerUtils, run } from 'graphile-worker';
import { PAYLOAD, clock, during, main, percentiles, pool, sleep } from './measure.js';

const BATCH = 1000;
const logger = new Logger(() => () => {});
const utils = await makeWorkerUtils({ pgPool: pool, logger });
await utils.migrate();
await pool.query('TRUNCATE graphile_worker._private_jobs, graphile_worker._private_job_queues CASCADE');

const batchOf = (n) => Array.from({ length: n }, () => ({ identifier: 'noop', payload: PAYLOAD }));
const runner = (taskList, concurrency, worker = {}) => run({
  taskList, concurrency, logger, pgPool: pool, noHandleSignals: true,
  preset: { worker: { ...worker, pgPool: pool, concurrentJobs: concurrency, logger } },
});

// From before the runner starts until the last row is gone.
async function drain(jobs, concurrency, worker) {
  for (let i = 0; i < jobs; i += BATCH) await utils.addJobs(batchOf(Math.min(BATCH, jobs - i)));
  await pool.query('VACUUM ANALYZE graphile_worker._private_jobs');
  let done = 0;
  let finish;
  const all = new Promise((resolve) => { finish = resolve; });
  const began = clock();
  await runner({ noop: async () => { done += 1; if (done === jobs) finish(); } }, concurrency, worker);
  await all;
  const left = 'SELECT count(*)::integer AS n FROM graphile_worker._private_jobs';
  while ((await pool.query(left)).rows[0].n > 0) await sleep(10);
  return { per_second: (jobs * 1000) / (clock() - began), statements: jobs };
}

async function addToStart(times) {
  let started;
  await runner({ ping: async () => started(clock()) }, 2);
  await sleep(500);
  const taken = [];
  for (let i = 0; i < times; i += 1) {
    const start = new Promise((resolve) => { started = resolve; });
    const began = clock();
    await utils.addJob('ping', PAYLOAD);
    taken.push(await start - began);
    await sleep(20);
  }
  return percentiles(taken);
}

await main({
  add: (secs) => during(secs, 1, async () => { await utils.addJob('noop', PAYLOAD); return 1; }),
  'add-8': (secs) => during(secs, 8, async () => { await utils.addJob('noop', PAYLOAD); return 1; }),
  batches: (secs) => during(secs, 1, async () => { await utils.addJobs(batchOf(BATCH)); return BATCH; }),
  process: (jobs) => drain(jobs, 10),
  'process-batches': (jobs) => drain(jobs, 24, { localQueue: { size: 500 }, completeJobBatchDelay: 0, failJobBatchDelay: 0 }),
  'add-to-start': addToStart,
});
