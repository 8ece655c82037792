// The connection pool of the Node.js backend; where to connect comes from libpq's variables.
import pg from 'pg';

export const pool = new pg.Pool({
  max: 20,
  idleTimeoutMillis: 30_000,
  connectionTimeoutMillis: 2_000,
  options: '-c search_path=node_backend',
});

export async function rows(text, ...values) {
  return (await pool.query(text, values)).rows;
}
