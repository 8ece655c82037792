// A debit as a Node.js backend makes it: one client of the pool, a transaction of its own, the row of
// the balance locked, then the new balance and the ledger's row. A key that comes again is an error.
import { pool } from './database.js';

// The balance afterwards, or null when there is too little.
export async function debit(userId, amount, key) {
  const client = await pool.connect();
  try {
    await client.query('BEGIN');
    const { rows: [found] } = await client.query(
      'SELECT balance FROM credit_balances WHERE user_id = $1 FOR UPDATE', [userId],
    );
    if (!found || BigInt(found.balance) < BigInt(amount)) {
      await client.query('ROLLBACK');
      return null;
    }
    const balance = (BigInt(found.balance) - BigInt(amount)).toString();
    await client.query(
      'UPDATE credit_balances SET balance = $2, updated_at = NOW() WHERE user_id = $1',
      [userId, balance],
    );
    await client.query(
      `INSERT INTO credit_transactions (user_id, amount, balance_after, kind, idempotency_key)
       VALUES ($1, $2, $3, 'debit', $4)`, [userId, -amount, balance, key],
    );
    await client.query('COMMIT');
    return balance;
  } catch (error) {
    await client.query('ROLLBACK').catch(() => {});
    throw error;
  } finally {
    client.release();
  }
}
