-- Roles, the schema, and what holds for all of it.

-- Passwords and addresses are normalised as Unicode: another encoding would make two of one.
DO $$
BEGIN
  IF pg_catalog.current_setting('server_encoding') <> 'UTF8' THEN
    RAISE EXCEPTION 'latchkey needs a database with encoding UTF8, this one has %',
      pg_catalog.current_setting('server_encoding')
      USING ERRCODE = 'feature_not_supported', HINT = 'CREATE DATABASE … ENCODING ''UTF8'' TEMPLATE template0.';
  END IF;
END $$;

-- Roles belong to the whole cluster, so another database may have made them already.
DO $$
DECLARE
  role_name text;
BEGIN
  FOREACH role_name IN ARRAY ARRAY['latchkey_owner', 'latchkey_gateway', 'latchkey_app', 'latchkey_admin',
                                   'latchkey_worker'] LOOP
    IF NOT EXISTS (SELECT FROM pg_catalog.pg_roles WHERE rolname OPERATOR(pg_catalog.=) role_name) THEN
      BEGIN
        EXECUTE pg_catalog.format('CREATE ROLE %I NOLOGIN', role_name);
      EXCEPTION WHEN duplicate_object OR unique_violation THEN
        NULL;  -- another database's CREATE EXTENSION has just made it
      END;
    END IF;
  END LOOP;
  IF EXISTS (SELECT FROM pg_catalog.pg_roles
              WHERE rolname OPERATOR(pg_catalog.=) 'latchkey_owner' AND rolsuper) THEN
    RAISE EXCEPTION 'role latchkey_owner is a superuser: latchkey never runs with such rights'
      USING HINT = 'ALTER ROLE latchkey_owner NOSUPERUSER.';
  END IF;
END $$;

-- Without IF NOT EXISTS: a schema that somebody else made and owns must stop the installation.
CREATE SCHEMA latchkey AUTHORIZATION latchkey_owner;
COMMENT ON SCHEMA latchkey IS
  'The backbone of a SaaS product: accounts, sessions, plans, credits, tenants. \df+ latchkey.* is its reference.';
GRANT USAGE ON SCHEMA latchkey TO latchkey_gateway, latchkey_app, latchkey_admin, latchkey_worker;

-- Tables that backends cache have this trigger for each statement: at commit every backend reads them again.
CREATE FUNCTION latchkey._invalidate() RETURNS trigger
  LANGUAGE c VOLATILE PARALLEL UNSAFE AS 'MODULE_PATHNAME', 'latchkey_invalidate';
COMMENT ON FUNCTION latchkey._invalidate() IS
  'Trigger, AFTER … STATEMENT: makes every backend read this table again, at the next statement after the commit; with an argument, the '
  'table of that name, for tables whose contents are cached together.';
REVOKE ALL ON FUNCTION latchkey._invalidate() FROM PUBLIC;

-- CREATE EXTENSION puts in seeds, and a restore then brings the same rows as they had become. A restored row
-- replaces its seed; a seed is never deleted (or a restore would bring it back), but switched off. To everybody else a
-- seed is a row as any other: a duplicate is refused, ON CONFLICT finds it. A restore is told by who it is (the tables
-- are the owner's or a superuser's to fill) and by SET check_function_bodies = false, with which every dump begins.
CREATE FUNCTION latchkey._keep_seed() RETURNS trigger
  LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
  replaced bigint;
BEGIN
  IF TG_OP <> 'INSERT' THEN
    RAISE EXCEPTION 'a row that came with the extension can''t be deleted, nor get another key'
      USING ERRCODE = 'LK400', HINT = 'Change it, or switch it off: plans.active, plan_features.granted.';
  END IF;
  IF NOT pg_has_role(current_user, 'latchkey_owner', 'USAGE') OR current_setting('check_function_bodies')::boolean THEN
    RETURN NEW;
  END IF;
  EXECUTE format('DELETE FROM %I.%I AS t WHERE t.seeded AND to_jsonb(t) @> $1', TG_TABLE_SCHEMA, TG_TABLE_NAME)
    USING (SELECT jsonb_object_agg(k, to_jsonb(NEW) -> k) FROM unnest(TG_ARGV) AS k);
  GET DIAGNOSTICS replaced = ROW_COUNT;
  -- In a seed's place it stands as one, or deleting it would bring the seed back with the next restore.
  NEW.seeded := NEW.seeded OR replaced > 0;
  RETURN NEW;
END $$;
COMMENT ON FUNCTION latchkey._keep_seed() IS
  'Trigger: a restored row replaces the seed with the same key (its arguments name the key''s columns); a seed is not '
  'deleted, nor renamed.';
REVOKE ALL ON FUNCTION latchkey._keep_seed() FROM PUBLIC;

-- Only for this script, which drops it at its end: makes a table one that backends cache and whose seeds survive a
-- restore. `key` names the columns of its primary key.
CREATE PROCEDURE latchkey._make_reference(relation regclass, VARIADIC key text[])
  LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
BEGIN
  EXECUTE format('CREATE TRIGGER keep_seed BEFORE INSERT ON %s FOR EACH ROW EXECUTE FUNCTION latchkey._keep_seed(%s)',
                 relation, (SELECT string_agg(quote_literal(k), ', ') FROM unnest(key) AS k));
  EXECUTE format('CREATE TRIGGER keep_seed_row BEFORE DELETE ON %s FOR EACH ROW '
                 'WHEN (OLD.seeded AND pg_catalog.pg_trigger_depth() = 0) EXECUTE FUNCTION latchkey._keep_seed()', relation);
  EXECUTE format('CREATE TRIGGER keep_seed_key BEFORE UPDATE OF %s, seeded ON %s FOR EACH ROW '
                 'WHEN (OLD.seeded AND (%s OR NOT NEW.seeded)) EXECUTE FUNCTION latchkey._keep_seed()',
                 (SELECT string_agg(quote_ident(k), ', ') FROM unnest(key) AS k), relation,
                 (SELECT string_agg(format('OLD.%1$I <> NEW.%1$I', k), ' OR ') FROM unnest(key) AS k));
  EXECUTE format('CREATE TRIGGER invalidate AFTER INSERT OR UPDATE OR DELETE OR TRUNCATE ON %s '
                 'FOR EACH STATEMENT EXECUTE FUNCTION latchkey._invalidate()', relation);
END $$;
