-- Ownership: everything in the schema belongs to latchkey_owner, and nothing to PUBLIC.

DROP PROCEDURE latchkey._make_reference(regclass, text[]);

DO $$
DECLARE
  object record;
BEGIN
  FOR object IN
    SELECT c.oid::pg_catalog.regclass::text AS name,
           CASE c.relkind WHEN 'v' THEN 'VIEW' WHEN 'c' THEN 'TYPE' ELSE 'TABLE' END AS kind
      FROM pg_catalog.pg_class c
     WHERE c.relnamespace OPERATOR(pg_catalog.=) 'latchkey'::pg_catalog.regnamespace
       AND c.relkind IN ('r', 'p', 'v', 'c')
    UNION ALL
    SELECT p.oid::pg_catalog.regprocedure::text, 'FUNCTION'
      FROM pg_catalog.pg_proc p
     WHERE p.pronamespace OPERATOR(pg_catalog.=) 'latchkey'::pg_catalog.regnamespace
  LOOP
    EXECUTE pg_catalog.format('ALTER %s %s OWNER TO latchkey_owner', object.kind, object.name);
    IF object.kind OPERATOR(pg_catalog.=) 'TYPE' THEN
      EXECUTE pg_catalog.format('REVOKE ALL ON TYPE %s FROM PUBLIC', object.name);
      EXECUTE pg_catalog.format(
        'GRANT USAGE ON TYPE %s TO latchkey_gateway, latchkey_app, latchkey_admin, latchkey_worker', object.name);
    END IF;
  END LOOP;
END $$;

-- Deferred again, as they are declared: a restore in a single transaction goes on with the data.
SET CONSTRAINTS latchkey.plan_features_plan_fkey, latchkey.accounts_plan_fkey DEFERRED;
