// better-auth with its defaults (scrypt, sessions in the database). Rate limiting is off, since
// all load comes from one address; the bearer plugin serves clients that are no browsers.
import { betterAuth } from 'better-auth';
import { bearer } from 'better-auth/plugins';
import pg from 'pg';

export const pool = new pg.Pool({ max: 20, options: '-c search_path=better_auth' });

export const auth = betterAuth({
  baseURL: `http://127.0.0.1:${process.env.PORT ?? 3000}`,
  secret: 'for measurements only, for measurements only',
  database: pool,
  emailAndPassword: { enabled: true },
  rateLimit: { enabled: false },
  telemetry: { enabled: false },
  plugins: [bearer()],
});
