-- Plans: what there is to subscribe to, and what each plan includes.

INSERT INTO latchkey.permissions (name, module, description, seeded) VALUES
  ('plans.read', 'plans', 'See an account''s plan and what it includes.', true),
  ('plans.assign', 'plans', 'Set an account''s plan.', true);

CREATE TABLE latchkey.plans (
  key                     text        NOT NULL,
  display_name            text        NOT NULL,
  description             text,
  rank                    integer     NOT NULL,
  monthly_price_cents     bigint,
  yearly_price_cents      bigint,
  currency                text        NOT NULL DEFAULT 'usd',
  stripe_monthly_price_id text,
  stripe_yearly_price_id  text,
  active                  boolean     NOT NULL DEFAULT true,
  sort_order              integer     NOT NULL DEFAULT 0,
  seeded                  boolean     NOT NULL DEFAULT false,
  created_at              timestamptz NOT NULL DEFAULT now(),
  updated_at              timestamptz NOT NULL DEFAULT now(),
  CONSTRAINT plans_pkey PRIMARY KEY (key),
  CONSTRAINT plans_key_form CHECK (key ~ '^[a-z][a-z0-9_-]{0,62}$'),
  CONSTRAINT plans_rank_not_negative CHECK (rank >= 0),
  CONSTRAINT plans_prices_not_negative CHECK (monthly_price_cents >= 0 AND yearly_price_cents >= 0),
  CONSTRAINT plans_currency_form CHECK (currency ~ '^[a-z]{3}$'),
  CONSTRAINT plans_free_is_lowest CHECK (key <> 'free' OR (rank = 0 AND active))
);
COMMENT ON TABLE latchkey.plans IS
  'Plans (reference). A higher rank includes what needs a lower one (has_tier). Prices are in cents; null: on request. A plan that '
  'is not active can''t be chosen any more, and stays in force for who has it.';
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
  'What a plan includes (reference): feature names are kind or kind:name, as model:gpt-4. granted_limit: null is unlimited, 0 is '
  'not usable; period: what the limit is counted over. granted = false takes a seeded feature away.';
SELECT pg_catalog.pg_extension_config_dump('latchkey.plan_features', '');
GRANT SELECT ON latchkey.plan_features TO latchkey_app, latchkey_admin;
GRANT INSERT, UPDATE, DELETE ON latchkey.plan_features TO latchkey_admin;

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

CREATE FUNCTION latchkey.set_tier(account_id uuid, plan text, status text DEFAULT 'active') RETURNS void
  LANGUAGE c VOLATILE PARALLEL UNSAFE AS 'MODULE_PATHNAME', 'latchkey_set_tier';
COMMENT ON FUNCTION latchkey.set_tier(uuid, text, text) IS
  'Subscribes the account to a plan with a status (active, trialing, past_due, canceled …). Unknown plan, unknown '
  'account or one of a deleted user: not_found (LK404). Unknown status, or a plan that is not on offer: '
  'invalid_argument (LK400). Event: tier.changed.';
REVOKE ALL ON FUNCTION latchkey.set_tier(uuid, text, text) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION latchkey.set_tier(uuid, text, text) TO latchkey_gateway, latchkey_admin;

CREATE FUNCTION latchkey.tier_of(account_id uuid) RETURNS text
  LANGUAGE c STABLE PARALLEL RESTRICTED AS 'MODULE_PATHNAME', 'latchkey_tier_of';
COMMENT ON FUNCTION latchkey.tier_of(uuid) IS
  'The plan in force now: the subscribed one while active or trialing, or past due for setting '
  'plans.past_due_grace; else free. An unknown account, or null, has free.';
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
  'Whether the plan in force includes the feature. An unknown account, or null, has the free plan.';
REVOKE ALL ON FUNCTION latchkey.can_use(uuid, text) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION latchkey.can_use(uuid, text) TO latchkey_gateway, latchkey_app, latchkey_admin;

CREATE FUNCTION latchkey.require_feature(account_id uuid, feature text) RETURNS latchkey.feature_entitlement
  LANGUAGE c STABLE PARALLEL RESTRICTED AS 'MODULE_PATHNAME', 'latchkey_require_feature';
COMMENT ON FUNCTION latchkey.require_feature(uuid, text) IS
  'The feature''s limit, or an error: tier_required (LK413), whose hint names the lowest plan that includes it; '
  'not_found (LK404) when none does.';
REVOKE ALL ON FUNCTION latchkey.require_feature(uuid, text) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION latchkey.require_feature(uuid, text) TO latchkey_gateway, latchkey_app, latchkey_admin;

CREATE FUNCTION latchkey.available(account_id uuid, prefix text) RETURNS SETOF latchkey.feature_entitlement
  LANGUAGE c STABLE PARALLEL RESTRICTED ROWS 20 AS 'MODULE_PATHNAME', 'latchkey_available';
COMMENT ON FUNCTION latchkey.available(uuid, text) IS
  'The features of the plan in force whose names begin with prefix, in their order: available(id, ''model:'') '
  'makes a model menu.';
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
