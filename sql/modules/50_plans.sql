-- Plans: what there is to subscribe to, and what each plan includes.

INSERT INTO latchkey.permissions (name, module, description, seeded) VALUES
  ('plans.read', 'plans', 'See an account''s plan and what it includes.', true),
  ('plans.assign', 'plans', 'Set an account''s plan, and what it has instead of what the plan says.', true),
  ('plans.write', 'plans', 'Define plans, their prices and what they include.', true);

CREATE TABLE latchkey.plans (
  key                 text        NOT NULL,
  version             integer     NOT NULL DEFAULT 1,
  subscribed          boolean     NOT NULL DEFAULT false,
  display_name        text        NOT NULL,
  description         text,
  rank                integer     NOT NULL,
  monthly_price_cents bigint,
  yearly_price_cents  bigint,
  currency            text        NOT NULL DEFAULT 'usd',
  active              boolean     NOT NULL DEFAULT true,
  sort_order          integer     NOT NULL DEFAULT 0,
  seeded              boolean     NOT NULL DEFAULT false,
  created_at          timestamptz NOT NULL DEFAULT now(),
  updated_at          timestamptz NOT NULL DEFAULT now(),
  CONSTRAINT plans_pkey PRIMARY KEY (key),
  CONSTRAINT plans_key_form CHECK (key ~ '^[a-z][a-z0-9_-]{0,62}$'),
  CONSTRAINT plans_version_positive CHECK (version > 0),
  CONSTRAINT plans_rank_not_negative CHECK (rank >= 0),
  CONSTRAINT plans_prices_not_negative CHECK (monthly_price_cents >= 0 AND yearly_price_cents >= 0),
  CONSTRAINT plans_currency_form CHECK (currency ~ '^[a-z]{3}$'),
  CONSTRAINT plans_free_is_lowest CHECK (key <> 'free' OR (rank = 0 AND active))
);
COMMENT ON TABLE latchkey.plans IS
  'Plans, each in its newest version (reference). A higher rank includes what needs a lower one (has_tier). Prices are '
  'in cents; null: on request. A plan that is not active can''t be chosen any more, and stays in force for who has it. '
  'subscribed: some account has, or has had, this version; set_plan() and set_plan_feature() then begin another one. An '
  'UPDATE of this table or of plan_features changes the version in place, for all who have it.';
SELECT pg_catalog.pg_extension_config_dump('latchkey.plans', '');
GRANT SELECT ON latchkey.plans TO latchkey_app, latchkey_admin;
GRANT INSERT, UPDATE, DELETE ON latchkey.plans TO latchkey_admin;

-- Deferred, because a restore replaces the seeded plans that these rows refer to.
CREATE TABLE latchkey.plan_features (
  plan          text    NOT NULL,
  feature       text    NOT NULL,
  granted       boolean NOT NULL DEFAULT true,
  granted_limit bigint,
  period        text,
  seeded        boolean NOT NULL DEFAULT false,
  CONSTRAINT plan_features_pkey PRIMARY KEY (plan, feature),
  CONSTRAINT plan_features_plan_fkey FOREIGN KEY (plan) REFERENCES latchkey.plans (key) DEFERRABLE INITIALLY DEFERRED,
  CONSTRAINT plan_features_feature_form CHECK (feature ~ '^[a-z][a-z0-9_]*(:[^[:cntrl:] ]{1,200})?$'),
  CONSTRAINT plan_features_limit_not_negative CHECK (granted_limit >= 0),
  CONSTRAINT plan_features_period_known CHECK (period IN ('day', 'month', 'billing', 'ever'))
);
COMMENT ON TABLE latchkey.plan_features IS
  'What a plan includes (reference): feature names are kind or kind:name, as model:gpt-4. granted_limit: null is '
  'unlimited, 0 is not usable; period: what the limit is counted over. granted = false takes a seeded feature away.';
SELECT pg_catalog.pg_extension_config_dump('latchkey.plan_features', '');
GRANT SELECT ON latchkey.plan_features TO latchkey_app, latchkey_admin;
GRANT INSERT, UPDATE, DELETE ON latchkey.plan_features TO latchkey_admin;

CREATE TABLE latchkey.plan_versions (
  plan                text        NOT NULL,
  version             integer     NOT NULL,
  monthly_price_cents bigint,
  yearly_price_cents  bigint,
  currency            text        NOT NULL,
  superseded_at       timestamptz NOT NULL,
  CONSTRAINT plan_versions_pkey PRIMARY KEY (plan, version),
  CONSTRAINT plan_versions_plan_fkey FOREIGN KEY (plan) REFERENCES latchkey.plans (key)
);
COMMENT ON TABLE latchkey.plan_versions IS
  'Older versions of plans (reference): what accounts go on paying for after the definition has changed '
  '(accounts.plan_version).';
SELECT pg_catalog.pg_extension_config_dump('latchkey.plan_versions', '');
GRANT SELECT ON latchkey.plan_versions TO latchkey_app, latchkey_admin;
CREATE TRIGGER invalidate AFTER INSERT OR UPDATE OR DELETE OR TRUNCATE ON latchkey.plan_versions
  FOR EACH STATEMENT EXECUTE FUNCTION latchkey._invalidate();

CREATE TABLE latchkey.plan_version_features (
  plan          text    NOT NULL,
  version       integer NOT NULL,
  feature       text    NOT NULL,
  granted_limit bigint,
  period        text,
  CONSTRAINT plan_version_features_pkey PRIMARY KEY (plan, version, feature),
  CONSTRAINT plan_version_features_version_fkey FOREIGN KEY (plan, version) REFERENCES latchkey.plan_versions (plan, version)
);
COMMENT ON TABLE latchkey.plan_version_features IS
  'What older versions of plans include (reference), as plan_features.';
SELECT pg_catalog.pg_extension_config_dump('latchkey.plan_version_features', '');
GRANT SELECT ON latchkey.plan_version_features TO latchkey_app, latchkey_admin;
CREATE TRIGGER invalidate AFTER INSERT OR UPDATE OR DELETE OR TRUNCATE ON latchkey.plan_version_features
  FOR EACH STATEMENT EXECUTE FUNCTION latchkey._invalidate('plan_versions');

CREATE TABLE latchkey.plan_prices (
  price_id         text    NOT NULL,
  plan             text    NOT NULL,
  first_version    integer NOT NULL,
  version          integer NOT NULL,
  billing_interval text    NOT NULL,
  active           boolean NOT NULL,
  CONSTRAINT plan_prices_pkey PRIMARY KEY (price_id),
  CONSTRAINT plan_prices_plan_fkey FOREIGN KEY (plan) REFERENCES latchkey.plans (key),
  CONSTRAINT plan_prices_price_id_form CHECK (price_id ~ '^[A-Za-z0-9_]{1,255}$'),
  CONSTRAINT plan_prices_billing_interval_known CHECK (billing_interval IN ('month', 'year')),
  CONSTRAINT plan_prices_versions_in_order CHECK (first_version <= version)
);
COMMENT ON TABLE latchkey.plan_prices IS
  'Stripe''s price ids (reference): each names one version of one plan; one that goes on being the price of newer versions '
  'has named those since first_version, each until plan_versions.superseded_at. active: the one to check out with. The '
  'others stay, because subscriptions go on with them.';
CREATE UNIQUE INDEX plan_prices_active ON latchkey.plan_prices (plan, billing_interval) WHERE active;
CREATE INDEX plan_prices_by_plan ON latchkey.plan_prices (plan, version);
SELECT pg_catalog.pg_extension_config_dump('latchkey.plan_prices', '');
GRANT SELECT ON latchkey.plan_prices TO latchkey_app, latchkey_admin;

CREATE TABLE latchkey.feature_overrides (
  account_id    uuid        NOT NULL,
  feature       text        NOT NULL,
  granted       boolean     NOT NULL,
  granted_limit bigint,
  period        text,
  ends_at       timestamptz,
  reason        text,
  set_at        timestamptz NOT NULL,
  set_by        uuid,
  CONSTRAINT feature_overrides_pkey PRIMARY KEY (account_id, feature),
  CONSTRAINT feature_overrides_account_fkey FOREIGN KEY (account_id) REFERENCES latchkey.accounts (id),
  CONSTRAINT feature_overrides_limit_not_negative CHECK (granted_limit >= 0),
  CONSTRAINT feature_overrides_period_known CHECK (period IN ('day', 'month', 'billing', 'ever'))
);
COMMENT ON TABLE latchkey.feature_overrides IS
  'What single accounts have instead of what their plan says about a feature (distributed by account), until ends_at or '
  'without an end. granted = false takes the feature away. set_by: the bound identity.';
SELECT pg_catalog.pg_extension_config_dump('latchkey.feature_overrides', '');
GRANT SELECT ON latchkey.feature_overrides TO latchkey_admin;
CREATE TRIGGER invalidate AFTER INSERT OR UPDATE OR DELETE OR TRUNCATE ON latchkey.feature_overrides
  FOR EACH STATEMENT EXECUTE FUNCTION latchkey._invalidate();
-- Standing and overrides are cached together, account by account.
CREATE TRIGGER invalidate_standing AFTER DELETE OR TRUNCATE OR UPDATE OF plan, plan_version, subscription_status,
    status_changed_at, trial_starts_at, trial_ends_at, billing_starts_at, billing_ends_at, time_zone ON latchkey.accounts
  FOR EACH STATEMENT EXECUTE FUNCTION latchkey._invalidate('feature_overrides');
CREATE TRIGGER invalidate_standing AFTER UPDATE OF status ON latchkey.users
  FOR EACH STATEMENT EXECUTE FUNCTION latchkey._invalidate('feature_overrides');

CREATE TABLE latchkey.feature_override_changes (
  account_id    uuid        NOT NULL,
  feature       text        NOT NULL,
  since         timestamptz NOT NULL,
  id            uuid        NOT NULL,
  granted       boolean,
  granted_limit bigint,
  period        text,
  ends_at       timestamptz,
  reason        text,
  set_by        uuid,
  CONSTRAINT feature_override_changes_pkey PRIMARY KEY (account_id, feature, since, id),
  CONSTRAINT feature_override_changes_account_fkey FOREIGN KEY (account_id) REFERENCES latchkey.accounts (id)
);
COMMENT ON TABLE latchkey.feature_override_changes IS
  'Each override of feature_overrides since when (distributed by account), append-only; granted null: it was taken back. '
  'plan_at() reads it.';
SELECT pg_catalog.pg_extension_config_dump('latchkey.feature_override_changes', '');
GRANT SELECT ON latchkey.feature_override_changes TO latchkey_admin;

CREATE TABLE latchkey.account_standings (
  account_id          uuid        NOT NULL,
  since               timestamptz NOT NULL,
  id                  uuid        NOT NULL,
  plan                text        NOT NULL,
  plan_version        integer,
  subscription_status text        NOT NULL,
  status_changed_at   timestamptz NOT NULL,
  trial_starts_at     timestamptz,
  trial_ends_at       timestamptz,
  CONSTRAINT account_standings_pkey PRIMARY KEY (account_id, since, id),
  CONSTRAINT account_standings_account_fkey FOREIGN KEY (account_id) REFERENCES latchkey.accounts (id)
);
COMMENT ON TABLE latchkey.account_standings IS
  'Each account''s plan and status since when (distributed by account), append-only; before its first row an account has '
  'the free plan. plan_at() reads it.';
SELECT pg_catalog.pg_extension_config_dump('latchkey.account_standings', '');
GRANT SELECT ON latchkey.account_standings TO latchkey_admin;

ALTER TABLE latchkey.accounts ADD CONSTRAINT accounts_plan_fkey
  FOREIGN KEY (plan) REFERENCES latchkey.plans (key) DEFERRABLE INITIALLY DEFERRED;

CALL latchkey._make_reference('latchkey.plans', 'key');
CALL latchkey._make_reference('latchkey.plan_features', 'plan', 'feature');

INSERT INTO latchkey.plans (key, display_name, description, rank, monthly_price_cents, yearly_price_cents, sort_order, seeded)
VALUES ('free', 'Free', 'To get started.', 0, 0, 0, 0, true),
       ('premium', 'Premium', 'For everyday work.', 10, 999, 9990, 10, true),
       ('pro', 'Pro', 'For professionals.', 20, 2999, 29990, 20, true),
       ('enterprise', 'Enterprise', 'For organizations.', 30, NULL, NULL, 30, true);

-- An example to change: which language models a plan's users may choose.
INSERT INTO latchkey.plan_features (plan, feature, seeded)
SELECT p.key, 'model:' || m.name, true
  FROM latchkey.plans p
  JOIN (VALUES ('gpt-3.5-turbo', 0), ('gpt-4', 10), ('claude-3-sonnet', 10), ('gpt-4-turbo', 20), ('claude-3-opus', 20))
       AS m (name, rank) ON m.rank <= p.rank;

-- The deferred keys are checked now: 99_ownership can't alter tables that have checks pending.
SET CONSTRAINTS latchkey.plan_features_plan_fkey, latchkey.accounts_plan_fkey IMMEDIATE;

CREATE TYPE latchkey.feature_entitlement AS (feature text, granted_limit bigint, period text);
COMMENT ON TYPE latchkey.feature_entitlement IS
  'A feature that may be used: up to granted_limit per period (null: without limit).';

CREATE TYPE latchkey.model_entry AS (name text, feature text, tier text, available boolean);
COMMENT ON TYPE latchkey.model_entry IS 'A model of a model menu; tier: the lowest plan that includes it.';

CREATE TYPE latchkey.account_feature AS (feature text, granted_limit bigint, period text, source text, ends_at timestamptz);
COMMENT ON TYPE latchkey.account_feature IS
  'A feature that an account may use: up to granted_limit per period (null: without limit). source: plan, or override, '
  'which ends at ends_at (null: without an end).';

CREATE TYPE latchkey.plan AS (
  key text, version integer, display_name text, description text, rank integer, monthly_price_cents bigint,
  yearly_price_cents bigint, currency text, stripe_monthly_price_id text, stripe_yearly_price_id text, active boolean,
  sort_order integer, features jsonb);
COMMENT ON TYPE latchkey.plan IS
  'A plan in its newest version. Prices in cents; null: on request. The price ids are those to check out with. features: '
  'an array of {feature, granted_limit, period}, as plan_features.';

CREATE TYPE latchkey.plan_price AS (plan text, version integer, billing_interval text, active boolean);
COMMENT ON TYPE latchkey.plan_price IS
  'What a price id names: a version of a plan, per month or year. active: it is the one to check out with.';

CREATE FUNCTION latchkey.set_plan(
    key text, display_name text DEFAULT NULL, description text DEFAULT NULL, rank integer DEFAULT NULL,
    monthly_price_cents bigint DEFAULT NULL, yearly_price_cents bigint DEFAULT NULL, currency text DEFAULT NULL,
    stripe_monthly_price_id text DEFAULT NULL, stripe_yearly_price_id text DEFAULT NULL, active boolean DEFAULT NULL,
    sort_order integer DEFAULT NULL, on_request boolean DEFAULT false, apply_to_existing boolean DEFAULT false)
  RETURNS latchkey.plan
  LANGUAGE c VOLATILE PARALLEL UNSAFE AS 'MODULE_PATHNAME', 'latchkey_set_plan';
COMMENT ON FUNCTION
  latchkey.set_plan(text, text, text, integer, bigint, bigint, text, text, text, boolean, integer, boolean, boolean) IS
  'Makes a plan (display_name and rank are needed then) or changes what is not null of one; description '''' removes it, '
  'on_request takes the prices away. Other prices begin a new version, when anybody has the current one: accounts keep '
  'theirs, unless apply_to_existing or move_to_newest_version(). The price id of a price that changed stays with the old '
  'version. Needs plans.write: forbidden (LK403). Malformed: invalid_argument (LK400). A price id of another plan or '
  'version: already_exists (LK409). Events: plan.created, plan.changed, plan.retired, plan.price_set.';
REVOKE ALL ON FUNCTION
  latchkey.set_plan(text, text, text, integer, bigint, bigint, text, text, text, boolean, integer, boolean, boolean)
  FROM PUBLIC;
GRANT EXECUTE ON FUNCTION
  latchkey.set_plan(text, text, text, integer, bigint, bigint, text, text, text, boolean, integer, boolean, boolean)
  TO latchkey_gateway, latchkey_admin;

CREATE FUNCTION latchkey.retire_plan(plan text) RETURNS boolean
  LANGUAGE c VOLATILE PARALLEL UNSAFE AS 'MODULE_PATHNAME', 'latchkey_retire_plan';
COMMENT ON FUNCTION latchkey.retire_plan(text) IS
  'Takes a plan off the offer: nobody can choose it any more, who has it keeps it. False when it was off already; '
  'set_plan(…, active => true) offers it again. The plan free stays: invalid_argument (LK400). Unknown: not_found '
  '(LK404). Needs plans.write: forbidden (LK403). Event: plan.retired.';
REVOKE ALL ON FUNCTION latchkey.retire_plan(text) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION latchkey.retire_plan(text) TO latchkey_gateway, latchkey_admin;

CREATE FUNCTION latchkey.set_plan_feature(
    plan text, feature text, granted_limit bigint DEFAULT NULL, period text DEFAULT NULL, granted boolean DEFAULT true,
    apply_to_existing boolean DEFAULT false) RETURNS integer
  LANGUAGE c VOLATILE PARALLEL UNSAFE AS 'MODULE_PATHNAME', 'latchkey_set_plan_feature';
COMMENT ON FUNCTION latchkey.set_plan_feature(text, text, bigint, text, boolean, boolean) IS
  'Puts a feature into a plan, up to granted_limit per period (day, month, billing, ever; null: without limit), or with '
  'granted => false takes it out. Returns the version of the plan that has it: a new one, when anybody has the current '
  'one, unless apply_to_existing. Malformed: invalid_argument (LK400). Unknown plan: not_found (LK404). Needs '
  'plans.write: forbidden (LK403). Event: plan.feature_changed.';
REVOKE ALL ON FUNCTION latchkey.set_plan_feature(text, text, bigint, text, boolean, boolean) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION latchkey.set_plan_feature(text, text, bigint, text, boolean, boolean)
  TO latchkey_gateway, latchkey_admin;

CREATE FUNCTION latchkey.move_to_newest_version(plan text, account_id uuid DEFAULT NULL, max_accounts integer DEFAULT 1000)
  RETURNS integer
  LANGUAGE c VOLATILE PARALLEL UNSAFE AS 'MODULE_PATHNAME', 'latchkey_move_to_newest_version';
COMMENT ON FUNCTION latchkey.move_to_newest_version(text, uuid, integer) IS
  'Moves the account, or up to max_accounts (1 to 10,000) of all that have an older version of the plan, to its newest, '
  'and returns how many: call it until that is 0. Unknown plan: not_found (LK404). Out of range: invalid_argument '
  '(LK400). Needs plans.assign platform-wide: forbidden (LK403). Event: plan.version_changed.';
REVOKE ALL ON FUNCTION latchkey.move_to_newest_version(text, uuid, integer) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION latchkey.move_to_newest_version(text, uuid, integer) TO latchkey_gateway, latchkey_admin;

CREATE FUNCTION latchkey.list_plans() RETURNS SETOF latchkey.plan
  LANGUAGE c STABLE PARALLEL RESTRICTED ROWS 10 AS 'MODULE_PATHNAME', 'latchkey_list_plans';
COMMENT ON FUNCTION latchkey.list_plans() IS
  'The plans on offer, in their sort order, with what they include: for anybody.';
REVOKE ALL ON FUNCTION latchkey.list_plans() FROM PUBLIC;
GRANT EXECUTE ON FUNCTION latchkey.list_plans() TO latchkey_gateway, latchkey_app, latchkey_admin;

CREATE FUNCTION latchkey.plan_of_price(price_id text) RETURNS latchkey.plan_price
  LANGUAGE c STABLE PARALLEL RESTRICTED AS 'MODULE_PATHNAME', 'latchkey_plan_of_price';
COMMENT ON FUNCTION latchkey.plan_of_price(text) IS
  'The version of a plan that Stripe''s price id names. No plan''s: not_found (LK404).';
REVOKE ALL ON FUNCTION latchkey.plan_of_price(text) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION latchkey.plan_of_price(text) TO latchkey_gateway, latchkey_app, latchkey_admin;

CREATE FUNCTION latchkey.features_of_plan(plan text, version integer DEFAULT NULL) RETURNS SETOF latchkey.feature_entitlement
  LANGUAGE c STABLE PARALLEL RESTRICTED ROWS 20 AS 'MODULE_PATHNAME', 'latchkey_features_of_plan';
COMMENT ON FUNCTION latchkey.features_of_plan(text, integer) IS
  'What a version of a plan includes, by default the newest, in the features'' order; one with limit 0 can''t be used. '
  'Unknown plan or version: not_found (LK404).';
REVOKE ALL ON FUNCTION latchkey.features_of_plan(text, integer) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION latchkey.features_of_plan(text, integer) TO latchkey_gateway, latchkey_app, latchkey_admin;

CREATE FUNCTION latchkey.set_feature_override(
    account_id uuid, feature text, granted_limit bigint DEFAULT NULL, period text DEFAULT NULL, granted boolean DEFAULT true,
    ends_at timestamptz DEFAULT NULL, reason text DEFAULT NULL) RETURNS void
  LANGUAGE c VOLATILE PARALLEL UNSAFE AS 'MODULE_PATHNAME', 'latchkey_set_feature_override';
COMMENT ON FUNCTION latchkey.set_feature_override(uuid, text, bigint, text, boolean, timestamptz, text) IS
  'Gives one account a feature, or with granted => false takes it away, whatever its plan says: until ends_at, or '
  'without an end. Replaces the override that was there. Malformed, or ends_at in the past: invalid_argument (LK400). '
  'Unknown account: not_found (LK404). Needs plans.assign platform-wide: forbidden (LK403). Event: feature_override.set.';
REVOKE ALL ON FUNCTION latchkey.set_feature_override(uuid, text, bigint, text, boolean, timestamptz, text) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION latchkey.set_feature_override(uuid, text, bigint, text, boolean, timestamptz, text)
  TO latchkey_gateway, latchkey_admin;

CREATE FUNCTION latchkey.clear_feature_override(account_id uuid, feature text) RETURNS boolean
  LANGUAGE c VOLATILE PARALLEL UNSAFE AS 'MODULE_PATHNAME', 'latchkey_clear_feature_override';
COMMENT ON FUNCTION latchkey.clear_feature_override(uuid, text) IS
  'Takes an override back, so that the plan decides again; false when there is none. Needs plans.assign platform-wide: '
  'forbidden (LK403). Event: feature_override.cleared.';
REVOKE ALL ON FUNCTION latchkey.clear_feature_override(uuid, text) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION latchkey.clear_feature_override(uuid, text) TO latchkey_gateway, latchkey_admin;

CREATE FUNCTION latchkey.set_tier(account_id uuid, plan text, status text DEFAULT 'active') RETURNS void
  LANGUAGE c VOLATILE PARALLEL UNSAFE AS 'MODULE_PATHNAME', 'latchkey_set_tier';
COMMENT ON FUNCTION latchkey.set_tier(uuid, text, text) IS
  'Subscribes the account to a plan with a status (active, trialing, past_due, canceled …). Who has the plan already '
  'keeps its version, unless the subscription had ended; others get the newest. Ends a trial. Unknown plan, unknown '
  'account or one of a deleted user: not_found (LK404). Unknown status, or a plan that is not on offer: invalid_argument '
  '(LK400). Needs plans.assign platform-wide: forbidden (LK403). Event: tier.changed.';
REVOKE ALL ON FUNCTION latchkey.set_tier(uuid, text, text) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION latchkey.set_tier(uuid, text, text) TO latchkey_gateway, latchkey_admin;

CREATE FUNCTION latchkey.tier_of(account_id uuid) RETURNS text
  LANGUAGE c STABLE PARALLEL RESTRICTED AS 'MODULE_PATHNAME', 'latchkey_tier_of';
COMMENT ON FUNCTION latchkey.tier_of(uuid) IS
  'The plan in force now: the subscribed one while active, trialing (a trial of ours: until its end), or past due for '
  'setting plans.past_due_grace; else free. An unknown account, or null, has free.';
REVOKE ALL ON FUNCTION latchkey.tier_of(uuid) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION latchkey.tier_of(uuid) TO latchkey_gateway, latchkey_app, latchkey_admin;

CREATE FUNCTION latchkey.current_tier() RETURNS text
  LANGUAGE c STABLE PARALLEL RESTRICTED AS 'MODULE_PATHNAME', 'latchkey_current_tier';
COMMENT ON FUNCTION latchkey.current_tier() IS
  'tier_of() the bound session''s tenant, or else of its user; null when no identity is bound.';
REVOKE ALL ON FUNCTION latchkey.current_tier() FROM PUBLIC;
GRANT EXECUTE ON FUNCTION latchkey.current_tier() TO latchkey_gateway, latchkey_app;

CREATE FUNCTION latchkey.has_tier(account_id uuid, plan text) RETURNS boolean
  LANGUAGE c STABLE PARALLEL RESTRICTED AS 'MODULE_PATHNAME', 'latchkey_has_tier';
COMMENT ON FUNCTION latchkey.has_tier(uuid, text) IS
  'Whether the plan in force ranks at least as high as this one. Unknown plan: not_found (LK404).';
REVOKE ALL ON FUNCTION latchkey.has_tier(uuid, text) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION latchkey.has_tier(uuid, text) TO latchkey_gateway, latchkey_app, latchkey_admin;

CREATE FUNCTION latchkey.require_tier(account_id uuid, plan text) RETURNS void
  LANGUAGE c STABLE PARALLEL RESTRICTED AS 'MODULE_PATHNAME', 'latchkey_require_tier';
COMMENT ON FUNCTION latchkey.require_tier(uuid, text) IS
  'has_tier() or an error: tier_required (LK413), whose hint names the plan. Unknown plan: not_found (LK404).';
REVOKE ALL ON FUNCTION latchkey.require_tier(uuid, text) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION latchkey.require_tier(uuid, text) TO latchkey_gateway, latchkey_app, latchkey_admin;

CREATE FUNCTION latchkey.can_use(account_id uuid, feature text) RETURNS boolean
  LANGUAGE c STABLE PARALLEL RESTRICTED AS 'MODULE_PATHNAME', 'latchkey_can_use';
COMMENT ON FUNCTION latchkey.can_use(uuid, text) IS
  'Whether the plan in force, or an override, gives the account the feature. An unknown account, or null, has the free '
  'plan. Answered from the backend''s memory, which is right at the next statement after a change: in policies ask once '
  'per statement, (SELECT latchkey.can_use(…)).';
REVOKE ALL ON FUNCTION latchkey.can_use(uuid, text) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION latchkey.can_use(uuid, text) TO latchkey_gateway, latchkey_app, latchkey_admin;

CREATE FUNCTION latchkey.require_feature(account_id uuid, feature text) RETURNS latchkey.feature_entitlement
  LANGUAGE c STABLE PARALLEL RESTRICTED AS 'MODULE_PATHNAME', 'latchkey_require_feature';
COMMENT ON FUNCTION latchkey.require_feature(uuid, text) IS
  'The feature''s limit, or an error: tier_required (LK413), whose hint names the lowest plan that includes it; '
  'not_found (LK404) when none does.';
REVOKE ALL ON FUNCTION latchkey.require_feature(uuid, text) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION latchkey.require_feature(uuid, text) TO latchkey_gateway, latchkey_app, latchkey_admin;

CREATE FUNCTION latchkey.limit_of(account_id uuid, feature text) RETURNS bigint
  LANGUAGE c STABLE PARALLEL RESTRICTED AS 'MODULE_PATHNAME', 'latchkey_limit_of';
COMMENT ON FUNCTION latchkey.limit_of(uuid, text) IS
  'The feature''s limit for the account: null is without limit, 0 when it has not got the feature.';
REVOKE ALL ON FUNCTION latchkey.limit_of(uuid, text) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION latchkey.limit_of(uuid, text) TO latchkey_gateway, latchkey_app, latchkey_admin;

CREATE FUNCTION latchkey.features(account_id uuid) RETURNS SETOF latchkey.account_feature
  LANGUAGE c STABLE PARALLEL RESTRICTED ROWS 20 AS 'MODULE_PATHNAME', 'latchkey_features';
COMMENT ON FUNCTION latchkey.features(uuid) IS
  'All that the account may use, by its plan in force and by overrides, in the features'' order.';
REVOKE ALL ON FUNCTION latchkey.features(uuid) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION latchkey.features(uuid) TO latchkey_gateway, latchkey_app, latchkey_admin;

CREATE FUNCTION latchkey.available(account_id uuid, prefix text) RETURNS SETOF latchkey.feature_entitlement
  LANGUAGE c STABLE PARALLEL RESTRICTED ROWS 20 AS 'MODULE_PATHNAME', 'latchkey_available';
COMMENT ON FUNCTION latchkey.available(uuid, text) IS
  'The features that the account may use whose names begin with prefix, in their order: available(id, ''model:'') makes '
  'a model menu.';
REVOKE ALL ON FUNCTION latchkey.available(uuid, text) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION latchkey.available(uuid, text) TO latchkey_gateway, latchkey_app, latchkey_admin;

CREATE FUNCTION latchkey.list_models(account_id uuid) RETURNS SETOF latchkey.model_entry
  LANGUAGE c STABLE PARALLEL RESTRICTED ROWS 20 AS 'MODULE_PATHNAME', 'latchkey_list_models';
COMMENT ON FUNCTION latchkey.list_models(uuid) IS
  'The models that the account may choose: its features model:NAME.';
REVOKE ALL ON FUNCTION latchkey.list_models(uuid) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION latchkey.list_models(uuid) TO latchkey_gateway, latchkey_app, latchkey_admin;

CREATE FUNCTION latchkey.get_model(account_id uuid, name text) RETURNS latchkey.model_entry
  LANGUAGE c STABLE PARALLEL RESTRICTED AS 'MODULE_PATHNAME', 'latchkey_get_model';
COMMENT ON FUNCTION latchkey.get_model(uuid, text) IS
  'One model. In a higher plan only: tier_required (LK413), whose hint names it. In none: not_found (LK404).';
REVOKE ALL ON FUNCTION latchkey.get_model(uuid, text) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION latchkey.get_model(uuid, text) TO latchkey_gateway, latchkey_app, latchkey_admin;
