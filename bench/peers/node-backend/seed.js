// node seed.js TOKEN_FILE USERS PASSWORD: users who share one bcrypt hash, with a session and credits.
import fs from 'node:fs';
import bcrypt from 'bcryptjs';
import { issueToken, sessionKey } from './accounts.js';
import { pool, rows } from './database.js';

const [tokenFile, users, password] = process.argv.slice(2);
const hash = await bcrypt.hash(password, 12);
const created = await rows(
  `INSERT INTO users (email, name, password_hash)
   SELECT 'u' || i || '@example.org', 'User ' || i, $1 FROM generate_series(1, $2::int) AS i
   RETURNING id, email`, hash, users,
);
const tokens = created.map(issueToken);
await rows(
  `INSERT INTO user_sessions (user_id, token_hash, expires_at)
   SELECT s.user_id, s.token_hash, now() + interval '30 days'
   FROM unnest($1::uuid[], $2::text[]) AS s (user_id, token_hash)`,
  created.map((user) => user.id), tokens.map(sessionKey),
);
await rows('INSERT INTO credit_balances (user_id, balance) SELECT id, 1000000000000 FROM users');
fs.writeFileSync(tokenFile, `${tokens.join('\n')}\n`);
await pool.end();
