-- What reviewers of extensions look for: every query finds nothing.
-- Objects without a comment (pg_init and indexes aside).
SELECT 'function' AS kind, p.oid::regprocedure::text AS object FROM pg_proc p WHERE p.pronamespace = 'latchkey'::regnamespace AND obj_description(p.oid, 'pg_proc') IS NULL
UNION ALL SELECT 'relation', c.oid::regclass::text FROM pg_class c WHERE c.relnamespace = 'latchkey'::regnamespace AND c.relkind IN ('r', 'p', 'v', 'm', 'S') AND obj_description(c.oid, 'pg_class') IS NULL
UNION ALL SELECT 'type', t.oid::regtype::text FROM pg_type t LEFT JOIN pg_class c ON c.oid = t.typrelid
           WHERE t.typnamespace = 'latchkey'::regnamespace AND t.typelem = 0 AND coalesce(c.relkind, 'c') = 'c' AND obj_description(t.oid, 'pg_type') IS NULL
UNION ALL SELECT 'schema', 'latchkey' WHERE obj_description('latchkey'::regnamespace, 'pg_namespace') IS NULL
UNION ALL SELECT 'extension', 'latchkey' FROM pg_extension WHERE extname = 'latchkey' AND obj_description(oid, 'pg_extension') IS NULL;
-- A function's comment names each SQLSTATE with its own code.
SELECT p.oid::regprocedure::text AS function, m[1] AS state FROM pg_proc p, regexp_matches(obj_description(p.oid, 'pg_proc'), '(\w+ \(LK\d+)', 'g') AS m
 WHERE p.pronamespace = 'latchkey'::regnamespace AND p.proname NOT LIKE '\_%' AND m[1] NOT IN ('invalid_argument (LK400', 'not_found (LK404', 'already_exists (LK409',
       'invalid_token (LK411', 'forbidden (LK403', 'too_busy (LK503', 'not_configured (LK504', 'tier_required (LK413', 'conflict (LK410', 'insufficient_credits (LK402',
       'idempotency_mismatch (LK419', 'locked_out (LK423', 'quota_exceeded (LK429');
-- Executable by PUBLIC; types and tables that PUBLIC may use.
SELECT p.oid::regprocedure FROM pg_proc p, aclexplode(coalesce(p.proacl, acldefault('f', p.proowner))) AS a WHERE p.pronamespace = 'latchkey'::regnamespace AND a.grantee = 0;
SELECT c.oid::regclass FROM pg_class c, aclexplode(c.relacl) AS a WHERE c.relnamespace = 'latchkey'::regnamespace AND a.grantee = 0;
SELECT t.oid::regtype FROM pg_type t JOIN pg_class c ON c.oid = t.typrelid AND c.relkind = 'c', aclexplode(coalesce(t.typacl, acldefault('T', t.typowner))) AS a WHERE t.typnamespace = 'latchkey'::regnamespace AND a.grantee = 0;
SELECT n.nspname FROM pg_namespace n, aclexplode(n.nspacl) AS a WHERE n.nspname = 'latchkey' AND a.grantee = 0;
-- Granted with grant option, or to a role that is not ours.
SELECT p.oid::regprocedure, a.grantee::regrole FROM pg_proc p, aclexplode(p.proacl) AS a
 WHERE p.pronamespace = 'latchkey'::regnamespace AND (a.grantee::regrole::text NOT LIKE 'latchkey\_%' OR (a.is_grantable AND a.grantee <> p.proowner));
-- SECURITY DEFINER or plpgsql without a pinned search_path.
SELECT p.oid::regprocedure FROM pg_proc p JOIN pg_language l ON l.oid = p.prolang
 WHERE p.pronamespace = 'latchkey'::regnamespace AND (p.prosecdef OR l.lanname <> 'c') AND NOT coalesce(p.proconfig::text LIKE '%search_path=pg_catalog, pg_temp%', false);
-- Tables and sequences that pg_dump would leave empty.
SELECT c.oid::regclass FROM pg_class c WHERE c.relnamespace = 'latchkey'::regnamespace AND c.relkind IN ('r', 'p', 'S')
   AND c.oid <> ALL (SELECT unnest(extconfig) FROM pg_extension WHERE extname = 'latchkey');
SELECT c.oid::regclass AS sequence FROM pg_class c WHERE c.relnamespace = 'latchkey'::regnamespace AND c.relkind = 'S';
-- Not owned by latchkey_owner; owned by a superuser.
SELECT 'function' AS kind, p.oid::regprocedure::text AS object FROM pg_proc p WHERE p.pronamespace = 'latchkey'::regnamespace AND p.proowner <> 'latchkey_owner'::regrole
UNION ALL SELECT 'relation', c.oid::regclass::text FROM pg_class c WHERE c.relnamespace = 'latchkey'::regnamespace AND c.relowner <> 'latchkey_owner'::regrole
UNION ALL SELECT 'type', t.oid::regtype::text FROM pg_type t WHERE t.typnamespace = 'latchkey'::regnamespace AND t.typowner <> 'latchkey_owner'::regrole
UNION ALL SELECT 'schema', n.nspname FROM pg_namespace n WHERE n.nspname = 'latchkey' AND n.nspowner <> 'latchkey_owner'::regrole;
-- In the schema without belonging to the extension; of the extension outside the schema.
SELECT p.oid::regprocedure::text AS stray FROM pg_proc p WHERE p.pronamespace = 'latchkey'::regnamespace AND NOT EXISTS (SELECT FROM pg_depend WHERE classid = 'pg_proc'::regclass AND objid = p.oid AND deptype = 'e')
UNION ALL SELECT c.oid::regclass::text FROM pg_class c WHERE c.relnamespace = 'latchkey'::regnamespace AND c.relkind IN ('r', 'p', 'v', 'S', 'c') AND c.oid NOT IN (SELECT objid FROM pg_depend WHERE classid = 'pg_class'::regclass AND deptype = 'e')
   AND NOT EXISTS (SELECT FROM pg_depend d WHERE d.classid = 'pg_type'::regclass AND d.objid = c.reltype AND d.deptype = 'e');
SELECT pg_describe_object(d.classid, d.objid, d.objsubid) FROM pg_depend d JOIN pg_extension e ON e.oid = d.refobjid AND e.extname = 'latchkey'
 WHERE d.refclassid = 'pg_extension'::regclass AND d.deptype = 'e' AND pg_describe_object(d.classid, d.objid, d.objsubid) NOT LIKE '%latchkey%';
-- Constraints with a name that the server made up; tables without a primary key; foreign keys without an index on them.
SELECT conrelid::regclass, conname FROM pg_constraint WHERE connamespace = 'latchkey'::regnamespace AND contype IN ('c', 'f', 'u', 'p')
   AND (conname ~ '_(check|fkey|key)\d*$' AND conname NOT IN ('users_account_fkey', 'user_tokens_user_fkey', 'usage_account_fkey', 'sessions_user_fkey', 'plan_features_plan_fkey', 'accounts_plan_fkey', 'events_idempotency_key', 'role_grants_user_fkey',
       'credit_lots_account_fkey', 'credit_hold_lots_hold_fkey', 'credit_thresholds_account_fkey', 'api_keys_service_account_fkey',
       'plan_versions_plan_fkey', 'plan_version_features_version_fkey', 'plan_prices_plan_fkey', 'feature_overrides_account_fkey', 'feature_override_changes_account_fkey', 'account_standings_account_fkey', 'quota_consumptions_account_fkey', 'trials_account_fkey',
       'subscriptions_account_fkey', 'billing_accounts_account_fkey', 'billing_subscription_changes_account_fkey', 'billing_transactions_account_fkey', 'billing_payment_methods_account_fkey', 'tenant_databases_tenant_fkey', 'tenant_databases_server_fkey', 'tenant_databases_other_server_fkey', 'onboarding_skips_user_fkey'));
SELECT c.oid::regclass FROM pg_class c WHERE c.relnamespace = 'latchkey'::regnamespace AND c.relkind = 'r' AND NOT EXISTS (SELECT FROM pg_constraint WHERE conrelid = c.oid AND contype = 'p');
SELECT conrelid::regclass, conname FROM pg_constraint f WHERE f.connamespace = 'latchkey'::regnamespace AND contype = 'f'
   AND NOT EXISTS (SELECT FROM pg_index i WHERE i.indrelid = f.conrelid AND i.indkey[0] = f.conkey[1]) AND conname NOT IN ('accounts_plan_fkey');
-- Columns: times without a zone, *_at that are no times, money or floats.
SELECT a.attrelid::regclass, a.attname, a.atttypid::regtype FROM pg_attribute a JOIN pg_class c ON c.oid = a.attrelid
 WHERE c.relnamespace = 'latchkey'::regnamespace AND c.relkind IN ('r', 'c') AND a.attnum > 0
   AND (a.atttypid IN ('timestamp'::regtype, 'money'::regtype, 'real'::regtype, 'double precision'::regtype, 'character varying'::regtype) OR (a.attname ~ '_at$' AND a.atttypid <> 'timestamptz'::regtype) OR a.attname <> lower(a.attname));
-- Labels: nothing is PARALLEL SAFE (all of it is SPI or the backend's memory), IMMUTABLE, LEAKPROOF, or STRICT (null is an error, not an answer), but for the one pure function.
SELECT p.oid::regprocedure, proparallel, provolatile, proleakproof, proisstrict FROM pg_proc p
 WHERE p.pronamespace = 'latchkey'::regnamespace AND (proparallel = 's' OR provolatile = 'i' OR proleakproof OR proisstrict);
SELECT string_agg(proname, ' ' ORDER BY proname) AS stable FROM pg_proc WHERE pronamespace = 'latchkey'::regnamespace AND provolatile = 's';
-- What is STABLE writes nothing: all of it works in a read-only transaction. What is VOLATILE and works there too does so on purpose.
BEGIN READ ONLY;
SELECT c.function, regress.probe(c.own) AS state FROM regress.calls c JOIN pg_proc p ON p.oid = c.function::regprocedure WHERE p.provolatile = 's' AND regress.probe(c.own) IN ('25006', 'XX000');
SELECT string_agg(c.function::regprocedure::regproc::text, ' ' ORDER BY c.function) AS volatile_but_read_only FROM regress.calls c JOIN pg_proc p ON p.oid = c.function::regprocedure WHERE p.provolatile = 'v' AND regress.probe(c.own) <> '25006';
COMMIT;
-- Where the extension itself is.
SELECT extversion IS NOT NULL AS versioned, extrelocatable, n.nspname FROM pg_extension e JOIN pg_namespace n ON n.oid = e.extnamespace WHERE extname = 'latchkey';
-- Settings of the server: only superusers see where the key is, and none holds it.
SELECT name, context, vartype, CASE WHEN setting ~ '[0-9a-f]{64}' THEN 'a key!' END AS leak
  FROM pg_settings WHERE name LIKE 'latchkey.%' ORDER BY name;
SET ROLE regress_latchkey_app;
SELECT regress.probe('SHOW latchkey.master_key_file'), regress.probe('SHOW latchkey.master_key_command'), regress.probe('SET latchkey.master_key_file = ''/tmp/x'''), regress.probe('SET latchkey.max_concurrent_hashes = 100');
RESET ROLE;
