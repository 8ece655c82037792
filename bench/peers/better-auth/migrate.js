// Creates better-auth's own tables in the schema better_auth.
import { getMigrations } from 'better-auth/db/migration';
import { auth, pool } from './auth.js';

await pool.query('CREATE SCHEMA IF NOT EXISTS better_auth');
await (await getMigrations(auth.options)).runMigrations();
await pool.end();
