// What the three queues are measured with: one measurement for each run of a script.
import pg from 'pg';

export const PAYLOAD = { kind: 'email', user: 42 };
export const connection = {
  host: process.env.PGHOST, port: Number(process.env.PGPORT), user: process.env.PGUSER, database: process.env.PGDATABASE,
};
export const pool = new pg.Pool({ ...connection, max: 30 });
export const sleep = (ms) => new Promise((resolve) => { setTimeout(resolve, ms); });
// Milliseconds of the epoch, finer than Date.now().
export const clock = () => performance.timeOrigin + performance.now();

// Calls `action`, which answers how many jobs it did, in `loops` loops for so long.
export async function during(secs, loops, action) {
  const began = clock();
  let statements = 0;
  await Promise.all(Array.from({ length: loops }, async () => {
    while (clock() - began < secs * 1000) {
      const done = await action(); // not within the sum, which other loops change meanwhile
      statements += done;
    }
  }));
  return { per_second: (statements * 1000) / (clock() - began), statements };
}

// Calls `action` in `loops` loops until nothing is left in any.
export async function untilEmpty(loops, action) {
  const began = clock();
  let statements = 0;
  await Promise.all(Array.from({ length: loops }, async () => {
    for (let done = await action(); done > 0; done = await action()) statements += done;
  }));
  return { per_second: (statements * 1000) / (clock() - began), statements };
}

export function percentiles(times) {
  times.sort((a, b) => a - b);
  return {
    per_second: (1000 * times.length) / times.reduce((a, b) => a + b), p50_ms: times[Math.floor(times.length / 2)],
    p99_ms: times[Math.floor(times.length * 0.99)],
  };
}

// node SCRIPT MEASUREMENT NUMBER: prints the metrics as JSON.
export async function main(measurements) {
  const [name, number] = process.argv.slice(2);
  console.log(JSON.stringify(await measurements[name](Number(number))));
  process.exit(0);
}
