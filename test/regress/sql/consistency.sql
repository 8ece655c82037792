-- What no foreign key can say, because it spans tables that are distributed by different keys: every query finds nothing.
-- Addresses of nobody, of a deleted user, or of a user with another address; users whose address is not theirs.
SELECT e.email_key, u.status, u.email FROM latchkey.user_emails e LEFT JOIN latchkey.users u ON u.id = e.user_id
 WHERE (e.email_key = normalize(translate(u.email, 'ABCDEFGHIJKLMNOPQRSTUVWXYZ', 'abcdefghijklmnopqrstuvwxyz'), NFC)) IS NOT TRUE;
SELECT u.id, u.email FROM latchkey.users u LEFT JOIN latchkey.user_emails e ON e.user_id = u.id WHERE u.status <> 'deleted' AND e.user_id IS NULL;
SELECT user_id, count(*) FROM latchkey.user_emails GROUP BY user_id HAVING count(*) > 1;
-- Stripe customers of no account, or of one that names another; accounts whose customer is not theirs.
SELECT c.*, a.stripe_customer_id AS named FROM latchkey.stripe_customers c LEFT JOIN latchkey.accounts a ON a.id = c.account_id
 WHERE a.stripe_customer_id IS DISTINCT FROM c.stripe_customer_id;
SELECT a.id, a.stripe_customer_id FROM latchkey.accounts a LEFT JOIN latchkey.stripe_customers c USING (stripe_customer_id)
 WHERE a.stripe_customer_id IS NOT NULL AND c.account_id IS DISTINCT FROM a.id;
-- Tokens and sessions of deleted users.
SELECT t.user_id FROM latchkey.user_tokens t JOIN latchkey.users u ON u.id = t.user_id WHERE u.status = 'deleted';
SELECT s.user_id FROM latchkey.sessions s JOIN latchkey.users u ON u.id = s.user_id WHERE u.status = 'deleted';
-- Keys that span shards: a unique or a foreign key of a distributed table is led by what it is distributed by (scale by account).
WITH distributed (relation, by) AS (VALUES
  ('latchkey.accounts'::regclass, 'id'), ('latchkey.users', 'id'), ('latchkey.user_emails', 'email_key'), ('latchkey.stripe_customers', 'stripe_customer_id'),
  ('latchkey.user_tokens', 'user_id'), ('latchkey.sessions', 'user_id'), ('latchkey.usage', 'account_id'), ('latchkey.events', 'account_id'), ('latchkey.events_default', 'account_id'), ('latchkey.event_keys', 'account_id'), ('latchkey.event_deliveries', 'account_id'),
  ('latchkey.login_attempts', 'key_hash'), ('latchkey.role_grants', 'user_id'),
  ('latchkey.credit_lots', 'account_id'), ('latchkey.credit_transactions', 'account_id'), ('latchkey.credit_holds', 'account_id'), ('latchkey.credit_hold_lots', 'account_id'),
  ('latchkey.credit_thresholds', 'account_id'),
  ('latchkey.jobs', 'account_id'), ('latchkey.job_history', 'account_id'), ('latchkey.job_keys', 'account_id'), ('latchkey.job_results', 'account_id')),
reference (relation) AS (VALUES
  ('latchkey.settings'::regclass), ('latchkey.plans'), ('latchkey.plan_features'), ('latchkey.signing_keys'), ('latchkey.blocked_passwords'), ('latchkey.permissions'), ('latchkey.roles'),
  ('latchkey.service_accounts'), ('latchkey.api_keys'), ('latchkey.api_key_uses'), ('latchkey.service_costs'), ('latchkey.service_cost_changes'),
  ('latchkey.event_eras'), ('latchkey.event_consumers'),
  ('latchkey.job_rules'), ('latchkey.job_schedules'), ('latchkey.job_schedule_runs')),
keys AS (
  SELECT i.indrelid AS relation, i.indexrelid::regclass::text AS key, i.indkey::int2[] AS columns FROM pg_index i WHERE i.indisunique
  UNION ALL
  SELECT f.conrelid, f.conname, f.conkey FROM pg_constraint f WHERE f.contype = 'f' AND f.confrelid NOT IN (SELECT relation FROM reference))
SELECT d.relation, k.key FROM keys k JOIN distributed d USING (relation)
 WHERE d.by NOT IN (SELECT attname FROM pg_attribute WHERE attrelid = k.relation AND attnum = ANY (k.columns))
UNION ALL
SELECT c.oid::regclass, 'neither distributed nor reference' FROM pg_class c
 WHERE c.relnamespace = 'latchkey'::regnamespace AND c.relkind IN ('r', 'p') AND c.oid NOT IN (SELECT relation FROM distributed UNION ALL TABLE reference);
