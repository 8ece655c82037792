-- What holds around errors: subtransactions, identity, bindings, parallel workers.
SET search_path = caller, pg_catalog;
\set ON_ERROR_STOP off

-- Prints a line for the script.
CREATE FUNCTION caller.verdict(name text, expected text, got text) RETURNS text LANGUAGE sql AS $$
    SELECT CASE WHEN expected IS NOT DISTINCT FROM got THEN 'ok ' || name
                ELSE format('FAIL %s: expected %s, got %s', name, expected, got) END
$$;

SELECT caller.verdict('statements inside run as the owner, in pg_catalog', 'fence_owner pg_catalog', fence.inside());
SELECT caller.verdict('the caller stays who it is', 'fence_caller', current_user);

SELECT caller.verdict('nested calls leave the entry as it was', 'true', fence.entry_is_kept()::text);

-- Subtransaction: every kind swallowed inside one call, its work undone, the outer session whole.
SELECT caller.verdict('swallowed: ' || kind, expected, fence.swallow(kind, 1000))
  FROM (VALUES ('domain', 'nothing here: 100 %s|0'),
               ('within_session', 'thrown within a session|0'),
               ('bad_alloc', 'std::bad_alloc|0'),
               ('exception', 'a plain exception: %s|0'),
               ('number', 'something else|0'),
               ('server', 'LK999|raised by the server|The detail of the server.|The hint of the server.|0'),
               ('huge_palloc', 'XX000|invalid memory alloc request size 1073741824|||0'),
               ('division', '22012|division by zero|||0'),
               ('unique', '23505|duplicate key value violates unique constraint "things_pkey"|'
                          'Key (id)=(1) already exists.||0'),
               ('plpgsql', 'LK998|raised by plpgsql|Its detail.|Its hint.|0')) AS kinds(kind, expected);
SELECT caller.verdict('swallowed: every destructor ran', '0', fence.alive()::text);
BEGIN;
SELECT caller.verdict('swallowed: nothing, so it is kept', '', fence.swallow('', 3));
ROLLBACK;

-- Bindings of the transaction follow savepoints.
CREATE FUNCTION caller.bindings() RETURNS text LANGUAGE plpgsql AS $$
DECLARE
    seen text := '';
BEGIN
    PERFORM fence.bind('outer');
    BEGIN
        PERFORM fence.bind('inner');
        seen := seen || fence.bound() || ' ';
        PERFORM fence.fail('unique');
    EXCEPTION WHEN unique_violation THEN
        seen := seen || fence.bound() || ' ';
    END;
    BEGIN
        PERFORM fence.bind('kept');
    EXCEPTION WHEN OTHERS THEN
        NULL;
    END;
    RETURN seen || fence.bound();
END $$;
SELECT caller.verdict('bindings follow savepoints', 'inner outer kept', caller.bindings());
SELECT caller.verdict('bindings end with the transaction', NULL, fence.bound());
BEGIN;
SELECT fence.bind('x') \gset
SAVEPOINT a;
SELECT fence.bind('y') \gset
SAVEPOINT b;
SELECT fence.bind('z') \gset
RELEASE SAVEPOINT b;
SELECT caller.verdict('a released savepoint keeps its binding', 'z', fence.bound());
ROLLBACK TO SAVEPOINT a;
SELECT caller.verdict('a savepoint that was rolled back to does not', 'x', fence.bound());
COMMIT;

-- Parallel workers have their own entry; an error comes through whole.
CREATE TABLE caller.numbers AS SELECT i FROM generate_series(1, 200000) AS i;
ALTER TABLE caller.numbers SET (parallel_workers = 2);
ANALYZE caller.numbers;
SET parallel_setup_cost = 0;
SET parallel_tuple_cost = 0;
SET min_parallel_table_scan_size = 0;
CREATE FUNCTION caller.workers(query text) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
    plan jsonb;
BEGIN
    EXECUTE 'EXPLAIN (ANALYZE, FORMAT json) ' || query INTO plan;
    RETURN jsonb_path_query_first(plan, '$.**."Workers Launched"')::text;
END $$;
SELECT caller.verdict('workers run the functions', '2',
                      caller.workers('SELECT sum(fence.checked(i)) FROM caller.numbers'));
SELECT caller.verdict('workers compute', '20000300000', sum(fence.checked(i))::text) FROM caller.numbers;
CREATE FUNCTION caller.worker_error() RETURNS text LANGUAGE plpgsql AS $$
DECLARE
    state text;
    message text;
    detail text;
    hint text;
BEGIN
    PERFORM sum(fence.checked(i - 200000 * (i / 200000) * 2)) FROM caller.numbers;
    RETURN 'no error';
EXCEPTION WHEN OTHERS THEN
    GET STACKED DIAGNOSTICS state = RETURNED_SQLSTATE, message = MESSAGE_TEXT, detail = PG_EXCEPTION_DETAIL,
        hint = PG_EXCEPTION_HINT;
    RETURN concat_ws('|', state, message, detail, hint);
END $$;
SELECT caller.verdict('a worker''s error comes through whole', 'LK400|negative|It is -200000.|Give another one.',
                      string_agg(DISTINCT caller.worker_error(), ' '))
  FROM generate_series(1, 20);
SELECT caller.verdict('every destructor ran, in the end', '0', fence.alive()::text);
