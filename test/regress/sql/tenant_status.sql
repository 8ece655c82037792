-- A tenant's status: which follows which, and what it does to tokens, keys and roles.
SELECT regress.new_user('st_olga') AS olga, regress.new_user('st_sam') AS sam, regress.new_user('st_root') AS root, '00000000-0000-7000-8000-000000000000' AS unknown \gset
SELECT (latchkey.grant_role(:'root', 'admin')).role;
SELECT id AS tenant FROM latchkey.create_tenant(:'olga', 'Status') \gset
SELECT id AS other FROM latchkey.create_tenant(:'olga', 'Status, other') \gset
SELECT (latchkey.grant_role(:'sam', 'staff', :'tenant')).role;
SELECT k.token AS key FROM latchkey.create_service_account('status', '', :'tenant') AS a, LATERAL latchkey.create_api_key(a.id, '{*}') AS k \gset
SELECT regress.token_of('st_olga') AS olga_token, regress.token_of('st_root') AS root_token, regress.token_of('st_sam') AS first \gset

-- Every step, and every step that there is not.
CREATE FUNCTION regress.step(from_status text, to_status text) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
  tenant uuid;
BEGIN
  tenant := (SELECT id FROM latchkey.create_tenant(regress.id_of('st_olga'), 'Step'));
  UPDATE latchkey.tenants SET status = from_status WHERE id = tenant;
  PERFORM latchkey.set_tenant_status(tenant, to_status, 'because');
  RAISE EXCEPTION USING ERRCODE = 'RG000';
EXCEPTION WHEN SQLSTATE 'RG000' THEN RETURN 'ok';
  WHEN OTHERS THEN RETURN SQLSTATE;
END $$;
SELECT f AS "from", string_agg(t, ' ' ORDER BY p) FILTER (WHERE a = 'ok') AS ok, string_agg(DISTINCT a, ' ') FILTER (WHERE a <> 'ok') AS else
  FROM unnest(ARRAY['pending', 'provisioning', 'active', 'suspended', 'archived', 'deleted']) WITH ORDINALITY AS s (f, n), unnest(ARRAY['pending', 'provisioning', 'active', 'suspended', 'archived', 'deleted']) WITH ORDINALITY AS u (t, p), regress.step(f, t) AS a
 GROUP BY f, n ORDER BY n;
SELECT regress.error_of(format('SELECT latchkey.set_tenant_status(%L, %L)', t, s)) FROM (VALUES (:'tenant', 'gone'), (:'tenant', 'deleted'), (:'tenant', 'pending'), (:'unknown', 'active'), (NULL, 'active'), (:'tenant', NULL)) AS v (t, s);
SELECT regress.error_of(format('SELECT latchkey.%s(%L)', f, :'unknown')) FROM unnest(ARRAY['suspend_tenant', 'reactivate_tenant', 'archive_tenant', 'delete_tenant']) AS f;

-- A session in the tenant.
SELECT outcome, token AS token FROM latchkey.switch_tenant(:'first', :'tenant') \gset
SELECT tenant_id = :'tenant' AS here, email FROM latchkey.verify(:'token');
SELECT regress.part_of(:'token', 2) ->> 'tid' = :'tenant' AS tid, regress.part_of(:'first', 2) ? 'tid' AS tid_before;
CREATE FUNCTION regress.states(VARIADIC tokens text[]) RETURNS text LANGUAGE sql AS $$
  SELECT string_agg(regress.error_of(format('SELECT latchkey.verify(%L)', t)) || ' / ' || left(regress.error_of(format('SELECT latchkey.authenticate(%L)', t)), 5), ', ' ORDER BY place) FROM unnest(tokens) WITH ORDINALITY AS u (t, place)
$$;
SELECT regress.states(:'token', :'key', :'olga_token');
-- Suspended: tokens and keys at once; the owner's roles in it count for nothing, but elsewhere; administrators go on.
SELECT status, status_reason, status_changed_at > created_at AS changed FROM latchkey.suspend_tenant(:'tenant', 'unpaid');
SELECT regress.states(:'token', :'key', :'olga_token');
SELECT regress.error_of(format('SELECT latchkey.refresh(%L)', :'token'));
BEGIN;
SELECT count(*) FROM latchkey.authenticate(:'olga_token');
SELECT latchkey.has_permission('users.read', :'tenant') AS here, latchkey.has_permission('users.read', :'other') AS elsewhere, latchkey.permitted_tenants('users.read') = ARRAY[:'other']::uuid[] AS permitted, latchkey._member_tenants() = ARRAY[:'other']::uuid[] AS member;
SELECT name, status, status_reason FROM latchkey.tenants_of(:'olga');
SELECT regress.error_of(format('SELECT latchkey.get_tenant(%L)', :'tenant'));
COMMIT;
SELECT s, left(regress.error_as(:'root_token', format(s, :'tenant')), 5) AS root, left(regress.error_as(:'olga_token', format(s, :'tenant')), 5) AS owner
  FROM unnest(ARRAY['SELECT latchkey.get_tenant(%L)', 'SELECT latchkey.members_of(%L)', 'SELECT latchkey.update_tenant(%L, ''Status'')', 'SELECT latchkey.reactivate_tenant(%L)', 'SELECT latchkey.archive_tenant(%L)']) AS s;
-- Again: another reason. From here only back, or to the archive.
SELECT status, status_reason FROM latchkey.suspend_tenant(:'tenant', 'fraud');
-- Out of it: to another tenant, or to none.
SELECT regress.error_of(format('SELECT latchkey.switch_tenant(%L, %L)', :'token', :'tenant'));
BEGIN;
SELECT outcome FROM latchkey.switch_tenant(:'token', NULL);
ROLLBACK;
-- Back: nothing was lost.
SELECT status, status_reason FROM latchkey.reactivate_tenant(:'tenant');
SELECT regress.states(:'token', :'key', :'olga_token');
SELECT regress.error_of(format('SELECT latchkey.set_tenant_status(%L, ''provisioning'')', :'tenant'));
-- A change that is rolled back is one that was never made; within the transaction it is seen.
BEGIN;
SELECT status FROM latchkey.suspend_tenant(:'tenant');
SELECT left(regress.states(:'token'), 5);
ROLLBACK;
SELECT regress.states(:'token');
-- At REPEATABLE READ as of now: see the spec tenant_switch_race.

-- Not ready yet: the owner may prepare it, and nobody is in it.
SELECT id AS pending, status FROM latchkey.create_tenant(:'olga', 'Not ready', provision => true) \gset
SELECT regress.error_of(format('SELECT latchkey.switch_tenant(%L, %L)', :'olga_token', :'pending')), left(regress.error_as(:'olga_token', format('SELECT latchkey.get_tenant(%L)', :'pending')), 5) AS owner,
       regress.error_of(format('SELECT latchkey.invite_member(%L, ''a@example.com'', ''staff'')', :'pending')), regress.error_of(format('SELECT latchkey.suspend_tenant(%L)', :'pending')), regress.error_of(format('SELECT latchkey.reactivate_tenant(%L)', :'pending'));
SET ROLE regress_latchkey_worker;
SELECT status, status_reason FROM latchkey.set_tenant_status(:'pending', 'provisioning');
SELECT status, status_reason FROM latchkey.set_tenant_status(:'pending', 'pending', 'no server');
SELECT status FROM latchkey.set_tenant_status(:'pending', 'provisioning');
SELECT status, status_reason FROM latchkey.set_tenant_status(:'pending', 'active');
RESET ROLE;
SELECT string_agg(concat_ws(':', data ->> 'from', data ->> 'to', data ->> 'reason'), ', ' ORDER BY id) FROM latchkey.events WHERE account_id = :'pending' AND type = 'tenant.status_changed';

-- Archived, and deleted after the grace.
SELECT outcome FROM latchkey.switch_tenant(:'token', NULL);
SELECT status, status_reason, delete_after FROM latchkey.archive_tenant(:'pending', 'closed');
SELECT status, status_reason, delete_after FROM latchkey.archive_tenant(:'pending', 'closed for ever');
SELECT status, status_reason, delete_after - now() BETWEEN interval '29 days 23:59' AND interval '30 days 00:01' AS in_a_month FROM latchkey.delete_tenant(:'pending', 'bye');
SELECT delete_after AS first FROM latchkey.get_tenant(:'pending') \gset
SELECT delete_after = :'first' AS the_same FROM latchkey.delete_tenant(:'pending');
SELECT delete_after FROM latchkey.reactivate_tenant(:'pending');
SELECT status, delete_after IS NOT NULL AS scheduled FROM latchkey.delete_tenant(:'pending', 'bye');
SELECT latchkey.delete_due_tenants() AS too_early;
SELECT (latchkey.invite_member(:'other', 'st_guest@example.com', 'staff')).role;
SELECT count(c.verified_at) FROM latchkey.add_hostname(:'pending', 'status.example') AS h, latchkey.record_hostname_check(:'pending', h.hostname, ARRAY[h.dns_value]) AS c;
UPDATE latchkey.tenants SET delete_after = now() WHERE id = :'pending';
SELECT active FROM latchkey.create_webhook_endpoint(:'pending', 'https://example.com');
SET ROLE regress_latchkey_worker;
SELECT latchkey.delete_due_tenants() AS due, latchkey.delete_due_tenants() AS again;
RESET ROLE;
SELECT status, status_reason, delete_after FROM latchkey.get_tenant(:'pending');
SELECT count(*) FROM latchkey.tenant_hostnames WHERE tenant_id = :'pending';
SELECT count(*) FROM latchkey.webhook_endpoints WHERE account_id = :'pending';
SELECT count(*) FROM latchkey.tenant_slugs WHERE tenant_id = :'pending' AND retired_at IS NOT NULL;
SELECT regress.error_of(format('SELECT latchkey.%s(%L%s)', f, :'pending', a)) FROM (VALUES ('delete_tenant', ''), ('archive_tenant', ''), ('reactivate_tenant', ''), ('suspend_tenant', ''), ('update_tenant', ', ''x'''), ('add_hostname', ', ''a.example'''), ('set_tenant_status', ', ''active''')) AS v (f, a);
SELECT count(*) FROM latchkey.list_tenants() WHERE id = :'pending';
SELECT count(*) FROM latchkey.list_tenants('deleted') WHERE id = :'pending';
SELECT name FROM latchkey.tenants_of(:'olga');
-- Without a grace at once.
SELECT latchkey.set_setting('tenants.deletion_grace', '0');
SELECT status, status_reason FROM latchkey.delete_tenant(:'other', 'now');
SELECT latchkey.set_setting('tenants.deletion_grace', '30 days');
SELECT count(*) FROM latchkey.tenant_invitations WHERE tenant_id = :'other';
SELECT regress.error_of('SELECT latchkey.delete_due_tenants(0)');
