-- What no foreign key can say, because it spans tables that are distributed by different keys: every query finds nothing.
-- Addresses of nobody, of a deleted user, or of a user with another address; users whose address is not theirs.
SELECT e.email_key, u.status, u.email FROM latchkey.user_emails e LEFT JOIN latchkey.users u ON u.id = e.user_id
 WHERE (e.email_key = normalize(translate(u.email, 'ABCDEFGHIJKLMNOPQRSTUVWXYZ', 'abcdefghijklmnopqrstuvwxyz'), NFC)) IS NOT TRUE;
SELECT u.id, u.email FROM latchkey.users u LEFT JOIN latchkey.user_emails e ON e.user_id = u.id WHERE u.status <> 'deleted' AND e.user_id IS NULL;
SELECT user_id, count(*) FROM latchkey.user_emails GROUP BY user_id HAVING count(*) > 1;
-- Stripe customers of an account that is not there or names none; accounts whose customer is not theirs.
SELECT c.* FROM latchkey.stripe_customers c LEFT JOIN latchkey.accounts a ON a.id = c.account_id
 WHERE c.account_id IS NOT NULL AND a.stripe_customer_id IS NULL;
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
  ('latchkey.jobs', 'account_id'), ('latchkey.job_history', 'account_id'), ('latchkey.job_keys', 'account_id'), ('latchkey.job_results', 'account_id'),
  ('latchkey.feature_overrides', 'account_id'), ('latchkey.account_standings', 'account_id'), ('latchkey.feature_override_changes', 'account_id'), ('latchkey.quota_consumptions', 'account_id'), ('latchkey.trials', 'account_id'), ('latchkey.trial_addresses', 'address_digest'),
  ('latchkey.subscriptions', 'account_id'), ('latchkey.webhook_endpoints', 'account_id'), ('latchkey.webhook_deliveries', 'account_id'),
  ('latchkey.tenant_keys', 'owner_id'), ('latchkey.tenant_move_keys', 'tenant_id'), ('latchkey.tenant_exports', 'tenant_id'), ('latchkey.tenant_export_keys', 'tenant_id'), ('latchkey.tenant_invitations', 'tenant_id'),
  ('latchkey.billing_events', 'stripe_event_id'), ('latchkey.billing_accounts', 'account_id'), ('latchkey.billing_subscription_changes', 'account_id'),
  ('latchkey.billing_transactions', 'account_id'), ('latchkey.billing_payment_methods', 'account_id'),
  ('latchkey.tenant_users', 'user_id'), ('latchkey.tenant_user_differences', 'tenant_id'), ('latchkey.tenant_user_comparisons', 'tenant_id'), ('latchkey.onboarding_skips', 'user_id')),
reference (relation) AS (VALUES
  ('latchkey.settings'::regclass), ('latchkey.plans'), ('latchkey.plan_features'), ('latchkey.signing_keys'), ('latchkey.secrets'), ('latchkey.tenant_servers'), ('latchkey.tenant_databases'), ('latchkey.tenant_moves'), ('latchkey.blocked_passwords'), ('latchkey.permissions'), ('latchkey.roles'),
  ('latchkey.service_accounts'), ('latchkey.api_keys'), ('latchkey.api_key_uses'), ('latchkey.service_costs'), ('latchkey.service_cost_changes'),
  ('latchkey.event_eras'), ('latchkey.event_consumers'),
  ('latchkey.job_rules'), ('latchkey.job_schedules'), ('latchkey.job_schedule_runs'),
  ('latchkey.plan_versions'), ('latchkey.plan_version_features'), ('latchkey.plan_prices'), ('latchkey.trial_keys'),
  ('latchkey.tenants'), ('latchkey.tenant_slugs'), ('latchkey.tenant_hostnames')),
keys AS (
  SELECT i.indrelid AS relation, i.indexrelid::regclass::text AS key, i.indkey::int2[] AS columns FROM pg_index i WHERE i.indisunique
  UNION ALL
  SELECT f.conrelid, f.conname, f.conkey FROM pg_constraint f WHERE f.contype = 'f' AND f.confrelid NOT IN (SELECT relation FROM reference))
SELECT d.relation, k.key FROM keys k JOIN distributed d USING (relation)
 WHERE d.by NOT IN (SELECT attname FROM pg_attribute WHERE attrelid = k.relation AND attnum = ANY (k.columns))
UNION ALL
SELECT c.oid::regclass, 'neither distributed nor reference' FROM pg_class c
 WHERE c.relnamespace = 'latchkey'::regnamespace AND c.relkind IN ('r', 'p') AND c.oid NOT IN (SELECT relation FROM distributed UNION ALL TABLE reference);
-- Accounts with a version of their plan that there never was; with a standing that its history doesn't end with; trials that don't agree with it.
SELECT a.id, a.plan, a.plan_version FROM latchkey.accounts a JOIN latchkey.plans p ON p.key = a.plan
 WHERE a.plan_version <> p.version AND NOT EXISTS (SELECT FROM latchkey.plan_versions v WHERE v.plan = a.plan AND v.version = a.plan_version);
SELECT s.account_id, s.plan, a.plan FROM (SELECT DISTINCT ON (account_id) * FROM latchkey.account_standings ORDER BY account_id, since DESC, id DESC) AS s JOIN latchkey.accounts a ON a.id = s.account_id
 WHERE (a.plan, a.plan_version, a.subscription_status, a.trial_starts_at, a.trial_ends_at) IS DISTINCT FROM (s.plan, s.plan_version, s.subscription_status, s.trial_starts_at, s.trial_ends_at);
SELECT t.account_id, t.status, a.trial_ends_at FROM latchkey.trials t JOIN latchkey.accounts a ON a.id = t.account_id WHERE (t.status IN ('pending', 'active')) <> (a.trial_ends_at IS NOT NULL);
SELECT key FROM latchkey.plans p WHERE version > 1 AND (SELECT count(*) FROM latchkey.plan_versions v WHERE v.plan = p.key AND v.version < p.version) <> p.version - 1;
-- Tenants without an account, or whose slug is not theirs; slugs in use that no tenant has; living tenants without an owner; hostnames in deleted ones.
SELECT t.id, a.kind FROM latchkey.tenants t LEFT JOIN latchkey.accounts a ON a.id = t.id WHERE a.kind IS DISTINCT FROM 'tenant';
SELECT t.id, t.slug FROM latchkey.tenants t LEFT JOIN latchkey.tenant_slugs s ON s.slug = t.slug AND s.tenant_id = t.id WHERE t.status <> 'deleted' AND (s.slug IS NULL OR s.retired_at IS NOT NULL);
SELECT s.* FROM latchkey.tenant_slugs s LEFT JOIN latchkey.tenants t ON t.id = s.tenant_id WHERE s.retired_at IS NULL AND (t.slug IS DISTINCT FROM s.slug OR t.status = 'deleted');
SELECT t.id FROM latchkey.tenants t WHERE t.status NOT IN ('archived', 'deleted') AND NOT EXISTS (SELECT FROM latchkey.role_grants g WHERE g.tenant_id = t.id AND g.role = 'owner' AND g.expires_at IS NULL);
SELECT h.tenant_id, h.hostname, t.status FROM latchkey.tenant_hostnames h LEFT JOIN latchkey.tenants t ON t.id = h.tenant_id WHERE t.status IS NULL OR t.status = 'deleted';
SELECT k.* FROM latchkey.tenant_keys k LEFT JOIN latchkey.tenants t ON t.id = k.tenant_id WHERE t.id IS NULL;
-- Sessions in a tenant in which their user has no role.
SELECT s.user_id, s.tenant_id FROM latchkey.sessions s WHERE s.tenant_id IS NOT NULL AND s.revoked_at IS NULL AND NOT EXISTS (SELECT FROM latchkey.role_grants g WHERE g.user_id = s.user_id AND g.tenant_id = s.tenant_id);
