-- Members of a tenant: invitations, removing and leaving, handing over, and switching between tenants.
CREATE TABLE regress.members (label text PRIMARY KEY, id uuid, token text);
INSERT INTO regress.members SELECT label, regress.new_user('mem_' || label), regress.token_of('mem_' || label) FROM unnest(ARRAY['olga', 'adam', 'stan', 'carl', 'nina', 'root', 'eve']) AS label;
CREATE FUNCTION regress.m(label text) RETURNS uuid LANGUAGE sql STABLE AS $$ SELECT id FROM regress.members m WHERE m.label = $1 $$;
CREATE FUNCTION regress.as_member(label text, statement text) RETURNS text LANGUAGE sql AS $$ SELECT regress.error_as((SELECT token FROM regress.members m WHERE m.label = $1), statement) $$;
SELECT (latchkey.grant_role(regress.m('root'), 'admin')).role;
SELECT id AS tenant FROM latchkey.create_tenant(regress.m('olga'), 'Members') \gset
SELECT id AS other FROM latchkey.create_tenant(regress.m('eve'), 'Members, other') \gset
SELECT role FROM unnest(ARRAY['adam', 'stan', 'carl'], ARRAY['admin', 'staff', 'customer']) AS g (who, r), LATERAL latchkey.grant_role(regress.m(who), r, :'tenant');
SELECT role FROM latchkey.grant_role(regress.m('stan'), 'customer', :'tenant');
SELECT email, name, status, roles, member_since <= now() AS since FROM latchkey.members_of(:'tenant');
SELECT email FROM latchkey.members_of(:'tenant', max_rows => 2);
SELECT email FROM latchkey.members_of(:'tenant', after => regress.m('adam'));
SELECT name, roles, status FROM latchkey.tenants_of(regress.m('stan'));
SELECT who, left(regress.as_member(who, format('SELECT latchkey.members_of(%L)', :'tenant')), 5) AS members_of, left(regress.as_member(who, format('SELECT latchkey.tenants_of(%L)', regress.m('stan'))), 5) AS tenants_of,
       left(regress.as_member(who, format('SELECT latchkey.invite_member(%L, ''a@example.com'', ''customer'')', :'tenant')), 5) AS invites_customer, left(regress.as_member(who, format('SELECT latchkey.invite_member(%L, ''a@example.com'', ''owner'')', :'tenant')), 5) AS invites_owner,
       left(regress.as_member(who, format('SELECT latchkey.remove_member(%L, %L)', :'tenant', regress.m('carl'))), 5) AS removes_customer, left(regress.as_member(who, format('SELECT latchkey.remove_member(%L, %L)', :'tenant', regress.m('olga'))), 5) AS removes_owner
  FROM unnest(ARRAY['olga', 'adam', 'stan', 'carl', 'nina', 'eve', 'root']) AS who;
SELECT regress.error_of(format('SELECT latchkey.members_of(%L)', regress.m('olga'))), regress.error_of('SELECT latchkey.members_of(NULL)'), regress.error_of(format('SELECT latchkey.members_of(%L, max_rows => 0)', :'tenant'));

-- Invitations. The token is shown once, and its hash is kept.
SELECT id AS invitation, email, role, token, expires_at - now() BETWEEN interval '6 days 23:59' AND interval '7 days 00:01' AS for_a_week FROM latchkey.invite_member(:'tenant', 'Mem_Nina@example.com', 'staff') \gset
\echo :email :role :for_a_week
SELECT token_hash = sha256(:'token'::bytea) AS hashed FROM latchkey.tenant_invitations WHERE id = :'invitation';
SELECT id = :'invitation' AS this, email, role, invited_by FROM latchkey.list_invitations(:'tenant');
SELECT regress.error_of(format('SELECT latchkey.invite_member(%s)', a)) FROM unnest(ARRAY[format('%L, ''no address'', ''staff''', :'tenant'), format('%L, ''a@example.com'', ''no_role''', :'tenant'), format('%L, ''a@example.com'', NULL', :'tenant'),
  '''00000000-0000-7000-8000-000000000000'', ''a@example.com'', ''staff''', 'NULL, ''a@example.com'', ''staff''']) AS a;
-- For the one with the address, by themselves.
SELECT who, regress.as_member(who, format('SELECT latchkey.join_tenant(%L, %L)', regress.m(whom), :'token')) FROM (VALUES ('stan', 'stan'), ('root', 'nina'), ('nina', 'stan'), ('nina', 'nina')) AS v (who, whom);
SELECT DISTINCT regress.error_of(format('SELECT latchkey.join_tenant(%L, %L)', regress.m('nina'), t)) FROM unnest(ARRAY['', 'x', left(:'token', -1), :'token' || 'A', regress.to_base64url(sha256('x') || sha256('y')), reverse(:'token')]) AS t;
SELECT regress.error_of(format('SELECT latchkey.join_tenant(%L, NULL)', regress.m('nina')));
-- Again: the token before ends.
SELECT token AS token2 FROM latchkey.invite_member(:'tenant', 'mem_nina@EXAMPLE.com', 'customer') \gset
SELECT left(regress.error_of(format('SELECT latchkey.join_tenant(%L, %L)', regress.m('nina'), :'token')), 5) AS before, (SELECT count(*) FROM latchkey.list_invitations(:'tenant'));
-- A suspended tenant is joined by nobody; an expired token is none.
SELECT count(*) FROM latchkey.suspend_tenant(:'tenant');
SELECT regress.error_of(format('SELECT latchkey.join_tenant(%L, %L)', regress.m('nina'), :'token2'));
SELECT count(*) FROM latchkey.reactivate_tenant(:'tenant');
BEGIN;
UPDATE latchkey.tenant_invitations SET expires_at = now() WHERE tenant_id = :'tenant';
SELECT left(regress.error_of(format('SELECT latchkey.join_tenant(%L, %L)', regress.m('nina'), :'token2')), 5) AS expired, (SELECT count(*) FROM latchkey.list_invitations(:'tenant'));
ROLLBACK;
SELECT name, slug, roles FROM latchkey.join_tenant(regress.m('nina'), :'token2');
SELECT left(regress.error_of(format('SELECT latchkey.join_tenant(%L, %L)', regress.m('nina'), :'token2')), 5) AS twice;
SELECT email_verified FROM latchkey.get_user(regress.m('nina'));
-- Who is no user yet signs up first.
SELECT token AS token3 FROM latchkey.invite_member(:'tenant', 'mem_newcomer@example.com', 'staff') \gset
SELECT user_id AS newcomer FROM latchkey.sign_up('mem_newcomer@example.com', 'password of newcomer') \gset
SELECT roles FROM latchkey.join_tenant(:'newcomer', :'token3');
-- Withdrawn, by hand and with the one who invited.
SELECT id AS invitation FROM latchkey.invite_member(:'tenant', 'mem_late@example.com', 'customer') \gset
SELECT latchkey.revoke_invitation(:'tenant', :'invitation'), regress.error_of(format('SELECT latchkey.revoke_invitation(%L, %L)', :'tenant', :'invitation')), regress.error_of(format('SELECT latchkey.revoke_invitation(%L, %L)', :'other', :'invitation'));
BEGIN;
SELECT count(*) FROM regress.members AS m, LATERAL latchkey.authenticate(m.token) WHERE label = 'adam';
SELECT count(*) FROM latchkey.invite_member(:'tenant', 'mem_later@example.com', 'customer');
COMMIT;
SELECT invited_by = regress.m('adam') AS by_adam FROM latchkey.list_invitations(:'tenant');
-- Not too often.
SELECT left(regress.error_of(format('SELECT latchkey.invite_member(%L, ''mem_flood@example.com'', ''customer'')', :'tenant')), 5) AS answer, count(*) FROM generate_series(1, 5) GROUP BY 1;
SELECT regress.error_of(format('SELECT latchkey.invite_member(%L, ''mem_flood@example.com'', ''customer'')', :'tenant'));

-- Switching: the same session, another token.
SELECT token AS t0, session_id AS session FROM latchkey.login('mem_stan@example.com', 'password of mem_stan') \gset
SELECT outcome, token AS t1, session_id = :'session' AS same_session, user_id = regress.m('stan') AS stan, expires_at > now() AS lasts FROM latchkey.switch_tenant(:'t0', :'tenant') \gset
\echo :outcome :same_session :stan :lasts
SELECT tenant_id = :'tenant' AS here FROM latchkey.verify(:'t1');
BEGIN;
SELECT count(*) FROM latchkey.authenticate(:'t1');
SELECT latchkey.current_tenant_id() = :'tenant' AS here, latchkey.current_role_name() AS role;
COMMIT;
-- The token before: refused at once, within the grace too; it gets the new one.
SELECT left(regress.error_of(format('SELECT latchkey.verify(%L)', :'t0')), 5) AS before, (latchkey.switch_tenant(:'t0', :'tenant')).token = :'t1' AS again, (latchkey.refresh(:'t0')).token = :'t1' AS refreshed;
SELECT regress.error_of(format('SELECT latchkey.switch_tenant(%L, NULL)', :'t0'));
-- A refresh stays in the tenant, and the token before it works for the grace.
SELECT token AS t2 FROM latchkey.refresh(:'t1') \gset
SELECT tenant_id = :'tenant' AS here FROM unnest(ARRAY[:'t1', :'t2']) AS t, LATERAL latchkey.verify(t);
SELECT outcome, token AS t3 FROM latchkey.switch_tenant(:'t2', NULL) \gset
SELECT tenant_id FROM latchkey.verify(:'t3');
-- An older one ends the session.
SELECT outcome FROM latchkey.switch_tenant(:'t1', :'tenant');
SELECT regress.error_of(format('SELECT latchkey.verify(%L)', :'t3'));
SELECT string_agg(type, ', ' ORDER BY id) FROM latchkey.events WHERE aggregate_id = :'session';
SELECT regress.error_of(format('SELECT latchkey.switch_tenant(%L, %L)', t, :'tenant')) FROM unnest(ARRAY[:'t3', 'x', NULL]) AS t;
-- Not where one does not belong.
SELECT regress.as_member('stan', 'SELECT 1'), regress.error_of(format('SELECT latchkey.switch_tenant(%L, %L)', token, t)) FROM regress.members, unnest(ARRAY[:'other', '00000000-0000-7000-8000-000000000000']) AS t WHERE label = 'stan';
UPDATE latchkey.role_grants SET expires_at = now() WHERE user_id = regress.m('nina') AND tenant_id = :'tenant';
SELECT regress.error_of(format('SELECT latchkey.switch_tenant(%L, %L)', token, :'tenant')) FROM regress.members WHERE label = 'nina';
UPDATE latchkey.role_grants SET expires_at = NULL WHERE user_id = regress.m('nina') AND tenant_id = :'tenant';
-- A role that ends: no refresh in the tenant.
SELECT token AS nina FROM latchkey.switch_tenant((SELECT token FROM regress.members WHERE label = 'nina'), :'tenant') \gset
UPDATE latchkey.role_grants SET expires_at = now() WHERE user_id = regress.m('nina') AND tenant_id = :'tenant';
SELECT regress.error_of(format('SELECT latchkey.refresh(%L)', :'nina'));
SELECT outcome FROM latchkey.switch_tenant(:'nina', NULL);
DELETE FROM latchkey.role_grants WHERE user_id = regress.m('nina') AND tenant_id = :'tenant';

-- Removing: all roles, and the sessions there; others stay.
SELECT token AS away FROM latchkey.login('mem_stan@example.com', 'password of mem_stan') \gset
SELECT token AS here FROM latchkey.switch_tenant((SELECT token FROM latchkey.login('mem_stan@example.com', 'password of mem_stan')), :'tenant') \gset
SELECT latchkey.remove_member(:'tenant', regress.m('stan'));
SELECT left(regress.error_of(format('SELECT latchkey.verify(%L)', :'here')), 5) AS here, regress.error_of(format('SELECT latchkey.verify(%L)', :'away')) AS away;
SELECT count(*) FROM latchkey.tenants_of(regress.m('stan'));
SELECT regress.error_of(format('SELECT latchkey.remove_member(%L, %L)', :'tenant', regress.m('stan'))), regress.error_of(format('SELECT latchkey.remove_member(%L, %L)', :'tenant', regress.m('olga'))), regress.error_of(format('SELECT latchkey.remove_member(%L, %L)', regress.m('olga'), regress.m('stan')));
SELECT regress.as_member('adam', format('SELECT latchkey.remove_member(%L, %L)', :'tenant', regress.m('adam')));
-- Taking the last role ends them too.
SELECT token AS here FROM latchkey.switch_tenant((SELECT token FROM regress.members WHERE label = 'carl'), :'tenant') \gset
SELECT latchkey.revoke_role(regress.m('carl'), 'customer', :'tenant'), left(regress.error_of(format('SELECT latchkey.verify(%L)', :'here')), 5) AS here;
SELECT type, data FROM latchkey.events WHERE account_id = regress.m('carl') AND type = 'sessions.ended';
-- Leaving.
SELECT who, regress.as_member(who, format('SELECT latchkey.leave_tenant(%L, %L)', regress.m(whom), :'tenant')) FROM (VALUES ('olga', 'olga'), ('olga', 'adam'), ('root', 'adam'), ('nina', 'nina'), ('adam', 'adam')) AS v (who, whom);
SELECT count(*) AS of_adam FROM latchkey.list_invitations(:'tenant') WHERE invited_by = regress.m('adam');
SELECT latchkey.leave_tenant(regress.m('adam'), :'tenant');
SELECT count(*) AS of_adam FROM latchkey.list_invitations(:'tenant') WHERE invited_by = regress.m('adam');

-- Handing over.
SELECT (latchkey.grant_role(regress.m('adam'), 'staff', :'tenant')).role;
SELECT who, regress.as_member(who, format('SELECT latchkey.transfer_ownership(%L, %L%s)', :'tenant', regress.m(whom), ', ' || quote_literal(regress.m(from_whom)))) FROM (VALUES ('olga', 'olga', NULL), ('olga', 'carl', NULL), ('adam', 'adam', NULL), ('adam', 'adam', 'olga'), ('adam', 'olga', NULL), ('eve', 'adam', 'olga'), ('root', 'adam', 'eve'), ('root', 'adam', 'olga'), ('root', 'adam', NULL)) AS v (who, whom, from_whom);
SELECT who, regress.as_member(who, format('SELECT latchkey.transfer_ownership(%L, %L)', :'tenant', regress.m(whom))) FROM (VALUES ('olga', 'adam'), ('adam', 'carl'), ('root', 'adam')) AS v (who, whom);
SELECT regress.error_of(format('SELECT latchkey.transfer_ownership(%L, %L)', :'tenant', regress.m('adam')));
BEGIN;
SELECT count(*) FROM regress.members AS m, LATERAL latchkey.authenticate(m.token) WHERE label = 'olga';
SELECT latchkey.transfer_ownership(:'tenant', regress.m('adam'));
COMMIT;
SELECT name, roles FROM latchkey.members_of(:'tenant') WHERE name IN ('Mem_Olga', 'Mem_Adam');
SELECT type, data ->> 'from' = regress.m('olga')::text AS from_olga, data ->> 'to' = regress.m('adam')::text AS to_adam FROM latchkey.events WHERE account_id = :'tenant' AND type = 'tenant.ownership_transferred';
SELECT latchkey.leave_tenant(regress.m('olga'), :'tenant');
SELECT left(regress.error_of(format('SELECT latchkey.leave_tenant(%L, %L)', regress.m('adam'), :'tenant')), 5) AS last_owner;
