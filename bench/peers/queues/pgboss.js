// pg-boss: adding in batches, and its direct interface.
import { PgBoss } from 'pg-boss';
import { PAYLOAD, connection, during, main } from './measure.js';

const BATCH = 1000;
const boss = new PgBoss({ ...connection, max: 30, schedule: false });
boss.on('error', (error) => { throw error; });
await boss.start();
await boss.createQueue('q', { retryLimit: 2 });
await boss.deleteAllJobs('q');

await main({
  batches: (secs) => during(secs, 1, async () => {
    await boss.insert('q', Array.from({ length: BATCH }, () => ({ data: PAYLOAD })));
    return BATCH;
  }),
});
