-- Import of the old product's users: every defect that its files have, in each of the three layouts, and twice.
CREATE TABLE regress.old_file (content jsonb);
INSERT INTO regress.old_file VALUES ($$ {"users": {
  "imp-bcrypt@example.com": {"id": "user_1", "name": "Zoë Côté", "tier": "pro", "subscriptionStatus": "active", "stripeCustomerId": "cus_imp1",
    "usage": {"daily": 7, "total": 1363}, "createdAt": "2025-06-12T05:10:00.000Z", "password": "$2b$06$4Pc6DMsSbnBP34kVFkriku1RInRkRBtYQ0TAIDt84XwuevZhpb33S"},
  "imp-2a@example.com": {"password": "$2a$06$82rfw5i8YTWChtSmdMSNZOr0m5fHhtb1oN9j1OfrFZl98UODDFFEq", "tier": "premium", "subscriptionStatus": "canceled"},
  "imp-2y@example.com": {"password": "$2y$06$WR.BvYZqLDa5nSuwvy2o8OVKNSZk71uUw5XImWdyY9b17HUOJinbS", "tier": "premium", "subscriptionStatus": "past_due"},
  "imp-plain@example.com": {"name": "李 Ольга", "password": "pw-002-2c9ddbef12"},
  "imp-nopassword@example.com": {"name": "None"},
  "imp-nullpassword@example.com": {"password": null, "name": null, "tier": null, "usage": null, "stripeCustomerId": null},
  "imp-emptypassword@example.com": {"password": ""},
  "imp-short@example.com": {"password": "abc"},
  "imp-long@example.com": {"password": "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx"},
  "imp-md5crypt@example.com": {"password": "$1$abcdefgh$0123456789012345678901"},
  "imp-costly@example.com": {"password": "$2b$31$4Pc6DMsSbnBP34kVFkriku1RInRkRBtYQ0TAIDt84XwuevZhpb33S"},
  "imp-twin@example.com": {"name": "Lower", "password": "password of lower"},
  "IMP-Twin@Example.com": {"name": "Twin", "password": "another-password"},
  "not-an-address": {"name": "Nobody", "password": "irrelevant-1"},
  "": {"password": "irrelevant-1"},
  "imp-tier@example.com": {"tier": "platinum"},
  "imp-status@example.com": {"subscriptionStatus": "frozen"},
  "imp-negative@example.com": {"usage": {"daily": -4, "total": -9}},
  "imp-fraction@example.com": {"usage": {"daily": 1.5}},
  "imp-huge@example.com": {"usage": {"total": 99999999999999999999}},
  "imp-textcount@example.com": {"usage": {"daily": "4"}},
  "imp-usage@example.com": {"usage": [1]},
  "imp-baddate@example.com": {"createdAt": "yesterday"},
  "imp-nodate@example.com": {"createdAt": "2025-02-30T00:00:00Z"},
  "imp-numberdate@example.com": {"createdAt": 1718168400},
  "imp-numbername@example.com": {"name": 5},
  "imp-longname@example.com": {"name": "nnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnn"},
  "imp-stripe@example.com": {"stripeCustomerId": "cus_imp1"},
  "imp-stripeform@example.com": {"stripeCustomerId": "cus 1'; --"},
  "imp-passwordtype@example.com": {"password": 12345678},
  "imp-notanobject@example.com": "a string",
  "imp-null@example.com": null,
  "imp-zone@example.com": {"createdAt": "2025-01-01T00:00:00", "unknown": {"field": true}}
}} $$);
SET TimeZone = 'America/New_York';
SELECT email, outcome, reason, user_id IS NOT NULL AS has_id FROM regress.old_file, latchkey.import_users(content) ORDER BY email COLLATE "C";
RESET TimeZone;
SELECT u.email, u.name, a.plan, a.subscription_status, a.stripe_customer_id, u.profile, left(u.password_hash, 4) AS hash, g.tier, g.usage_daily, g.usage_total,
       CASE WHEN u.created_at < '2026-01-01' THEN u.created_at AT TIME ZONE 'UTC' END AS created, email_verified_at
  FROM latchkey.users u JOIN latchkey.accounts a USING (id), latchkey.get_user(u.id) AS g WHERE u.email LIKE 'imp-%' ORDER BY u.email COLLATE "C";
-- A second run changes nothing.
CREATE TABLE regress.before_import AS SELECT u::text || a::text AS row FROM latchkey.users u JOIN latchkey.accounts a USING (id);
SELECT count(*) AS events FROM latchkey.events \gset
SELECT outcome, count(*) FROM regress.old_file, latchkey.import_users(content) GROUP BY 1 ORDER BY 1;
SELECT count(*) FROM ((TABLE regress.before_import EXCEPT SELECT u::text || a::text FROM latchkey.users u JOIN latchkey.accounts a USING (id))
                      UNION (SELECT u::text || a::text FROM latchkey.users u JOIN latchkey.accounts a USING (id) EXCEPT TABLE regress.before_import)) AS changes;
SELECT count(*) - :events AS new_events FROM latchkey.events;
-- Hashes work and are replaced at login, plain passwords work, and nothing else does: no default, no empty one, no stored hash.
SELECT email, (latchkey.login(email, password)).outcome
  FROM (VALUES ('imp-bcrypt@example.com', 'correct horse battery staple'), ('imp-2a@example.com', 'Tr0ub4dor&3'), ('imp-2y@example.com', 'from-php'),
               ('imp-plain@example.com', 'pw-002-2c9ddbef12'), ('imp-long@example.com', repeat('x', 100)), ('imp-twin@example.com', 'password of lower'),
               ('imp-twin@example.com', 'another-password'), ('imp-nopassword@example.com', ''), ('imp-nopassword@example.com', 'password'),
               ('imp-nullpassword@example.com', 'null'), ('imp-emptypassword@example.com', ''), ('imp-short@example.com', 'abc'),
               ('imp-md5crypt@example.com', '$1$abcdefgh$0123456789012345678901'),
               ('imp-costly@example.com', '$2b$31$4Pc6DMsSbnBP34kVFkriku1RInRkRBtYQ0TAIDt84XwuevZhpb33S'),
               ('imp-bcrypt@example.com', '$2b$06$4Pc6DMsSbnBP34kVFkriku1RInRkRBtYQ0TAIDt84XwuevZhpb33S')) AS t (email, password);
SELECT email, left(password_hash, 10) AS hash FROM latchkey.users WHERE email IN ('imp-bcrypt@example.com', 'imp-2a@example.com', 'imp-2y@example.com') ORDER BY email;
-- Who got no password can reset it.
SELECT m.email FROM latchkey.request_password_reset('imp-short@example.com') AS m, latchkey.reset_password(m.token, 'long enough now');

-- The other layouts.
SELECT email, outcome, reason FROM latchkey.import_users('{"imp-flat@example.com": {"name": "Flat"}}');
SELECT email, outcome, reason FROM latchkey.import_users('[{"email": "imp-list@example.com", "password": "long enough"}, {"email": "IMP-list@example.com"}, {"name": "no address"}, 5, null, {"email": 5}]');
SELECT email, outcome, reason FROM latchkey.import_users('{"users": [{"email": "imp-list2@example.com", "password": "long enough"}]}');
SELECT count(*) FROM latchkey.import_users('{}');
SELECT count(*) FROM latchkey.import_users('[]');
SELECT count(*) FROM latchkey.import_users('{"users": {}}');
SELECT regress.error_of(format('SELECT * FROM latchkey.import_users(%L)', j)) FROM unnest(ARRAY['5', '"text"', 'null', 'true', NULL, '{']) AS j;
-- A plan that is not on offer any more, and an id that would fill the profile.
INSERT INTO latchkey.plans (key, display_name, rank, active) VALUES ('old-plan', 'Old', 5, false);
SELECT email, outcome, reason FROM latchkey.import_users('{"imp-old-plan@example.com": {"tier": "old-plan"}}');
DELETE FROM latchkey.plans WHERE key = 'old-plan';
SELECT n, i.outcome, i.reason
  FROM unnest(ARRAY[255, 256, 20000]) AS n, latchkey.import_users(jsonb_build_array(jsonb_build_object('email', 'imp-id' || n || '@example.com', 'id', repeat('i', n)))) AS i;
-- An error in one entry leaves the caller's search path, role and SPI session as they were.
DO $$
DECLARE
  outcomes text;
BEGIN
  SET LOCAL search_path = regress;
  outcomes := (SELECT string_agg(outcome, ' ') FROM latchkey.import_users('[{"email": "imp-state1@example.com", "tier": "none"}, {"email": "imp-state2@example.com"}, {"email": 5}]'));
  RAISE NOTICE '%, %, %', outcomes, current_user = session_user, current_setting('search_path');
END $$;
-- An error that is no entry's fault ends the import, and leaves a caller that catches it whole.
CREATE TEMP TABLE kept_settings AS TABLE latchkey.settings;
BEGIN;
TRUNCATE latchkey.settings;
DO $$ BEGIN
  PERFORM latchkey.import_users('[{"email": "imp-unset@example.com", "password": "long enough"}]');
EXCEPTION WHEN SQLSTATE 'LK504' THEN
  RAISE WARNING '%', SQLERRM;
END $$;
INSERT INTO latchkey.settings TABLE kept_settings;
COMMIT;
SELECT count(*) FROM latchkey.find_user('imp-unset@example.com');
-- Only one bad entry among many good ones; none of them is lost.
SELECT outcome, count(*) FROM latchkey.import_users((SELECT jsonb_object_agg('imp-many' || n || '@example.com', CASE n WHEN 150 THEN '{"tier": "none"}' ELSE '{}'::jsonb END) FROM generate_series(1, 300) AS n)) GROUP BY 1 ORDER BY 1;
SELECT regress.events_of(regress.id_of('imp-flat'));
