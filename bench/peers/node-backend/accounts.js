// Sign-in and session check as the replaced product does them: bcryptjs at cost 12, an HS256
// token of 30 days, one session row per login, two queries per check.
import bcrypt from 'bcryptjs';
import jwt from 'jsonwebtoken';
import { rows } from './database.js';

const secret = process.env.JWT_SECRET ?? 'a secret for measurements only';
const lifetimeDays = 30;
const visible = [
  'id', 'email', 'name', 'tier', 'subscription_status', 'stripe_customer_id',
  'usage_daily', 'usage_total', 'created_at', 'updated_at',
].join(', ');

export const issueToken = ({ id, email }) =>
  jwt.sign({ userId: id, email }, secret, { expiresIn: `${lifetimeDays}d` });

// The original signs the token once more and calls that its hash.
export const sessionKey = (token) => jwt.sign({ token }, secret);

export async function login(email, password) {
  const [found] = await rows(`SELECT password_hash, ${visible} FROM users WHERE email = $1`, email);
  if (!found) return null;
  const { password_hash: hash, ...user } = found;
  if (!(await bcrypt.compare(password, hash))) return null;
  const token = issueToken(user);
  const expires = new Date(Date.now() + lifetimeDays * 86_400_000);
  await rows(
    'INSERT INTO user_sessions (user_id, token_hash, expires_at) VALUES ($1, $2, $3)',
    user.id, sessionKey(token), expires,
  );
  return { user, token };
}

export async function userOfToken(token) {
  let userId;
  try {
    ({ userId } = jwt.verify(token, secret));
  } catch {
    return null;
  }
  const sessions = await rows(
    'SELECT id FROM user_sessions WHERE user_id = $1 AND expires_at > NOW()', userId,
  );
  if (sessions.length === 0) return null;
  const [user] = await rows(`SELECT ${visible} FROM users WHERE id = $1`, userId);
  return user ?? null;
}
