-- The functions of the fence's test module, and the loops that call them. `library` is the module's path.
\set ON_ERROR_STOP on
SET client_min_messages = warning;

-- The bridge runs its statements as the owner of schema latchkey: here that is a role which owns nothing else.
CREATE ROLE fence_owner NOLOGIN;
CREATE ROLE fence_caller LOGIN;
CREATE SCHEMA latchkey AUTHORIZATION fence_owner;
CREATE SCHEMA fence AUTHORIZATION fence_owner;
CREATE SCHEMA caller AUTHORIZATION fence_caller;
GRANT USAGE ON SCHEMA fence TO fence_caller;

CREATE TABLE caller.only_here AS SELECT 7 AS seven;
ALTER TABLE caller.only_here OWNER TO fence_caller;
CREATE TABLE fence.things (id integer CONSTRAINT things_pkey PRIMARY KEY);
INSERT INTO fence.things VALUES (1);
CREATE TABLE fence.log (note text);
CREATE TABLE latchkey.cached (number bigint NOT NULL);
INSERT INTO latchkey.cached VALUES (3), (4);
ALTER TABLE fence.things OWNER TO fence_owner;
ALTER TABLE fence.log OWNER TO fence_owner;
ALTER TABLE latchkey.cached OWNER TO fence_owner;

CREATE FUNCTION fence.fail(kind text) RETURNS void LANGUAGE c STRICT AS :'library', 'latchkey_fence_fail';
CREATE FUNCTION fence.fail_secretly(secret text, kind text) RETURNS void LANGUAGE c
    AS :'library', 'latchkey_fence_fail_secretly';
CREATE FUNCTION fence.nest(depth integer, kind text) RETURNS void LANGUAGE c AS :'library', 'latchkey_fence_nest';
CREATE FUNCTION fence.swallow(kind text, times integer) RETURNS text LANGUAGE c
    AS :'library', 'latchkey_fence_swallow';
CREATE FUNCTION fence.set_half(kind text) RETURNS TABLE (i integer, squared integer) LANGUAGE c
    AS :'library', 'latchkey_fence_set_half';
CREATE FUNCTION fence.spin(milliseconds integer) RETURNS void LANGUAGE c AS :'library', 'latchkey_fence_spin';
CREATE FUNCTION fence.sleep(seconds integer) RETURNS void LANGUAGE c AS :'library', 'latchkey_fence_sleep';
CREATE FUNCTION fence.inside() RETURNS text LANGUAGE c AS :'library', 'latchkey_fence_inside';
CREATE FUNCTION fence.entry_is_kept() RETURNS boolean LANGUAGE c
    AS :'library', 'latchkey_fence_entry_is_kept';
CREATE FUNCTION fence.checked(i integer) RETURNS integer LANGUAGE c PARALLEL SAFE
    AS :'library', 'latchkey_fence_checked';
CREATE FUNCTION fence.bind(request_id text) RETURNS void LANGUAGE c AS :'library', 'latchkey_fence_bind';
CREATE FUNCTION fence.bound() RETURNS text LANGUAGE c AS :'library', 'latchkey_fence_bound';
CREATE FUNCTION fence.cached_sum() RETURNS bigint LANGUAGE c AS :'library', 'latchkey_fence_cached_sum';
CREATE FUNCTION fence.invalidate() RETURNS trigger LANGUAGE c AS :'library', 'latchkey_invalidate';
CREATE TRIGGER announce AFTER INSERT OR UPDATE OR DELETE OR TRUNCATE ON latchkey.cached
    FOR EACH STATEMENT EXECUTE FUNCTION fence.invalidate();
CREATE FUNCTION fence.constructed() RETURNS bigint LANGUAGE c AS :'library', 'latchkey_fence_constructed';
CREATE FUNCTION fence.alive() RETURNS bigint LANGUAGE c AS :'library', 'latchkey_fence_alive';
CREATE FUNCTION fence.heap() RETURNS bigint LANGUAGE c AS :'library', 'latchkey_fence_heap';
CREATE FUNCTION fence.resident() RETURNS bigint LANGUAGE c AS :'library', 'latchkey_fence_resident';

-- What nested calls go through: plpgsql, with and without a handler of its own.
CREATE FUNCTION fence.relay(depth integer, kind text) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
    IF depth % 2 = 0 THEN
        PERFORM fence.nest(depth, kind);
    ELSE
        BEGIN
            PERFORM fence.nest(depth, kind);
        EXCEPTION WHEN sqlstate 'ZZ001' THEN
            NULL;
        END;
    END IF;
END $$;

CREATE FUNCTION fence.raise() RETURNS void LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'raised by plpgsql' USING ERRCODE = 'LK998', DETAIL = 'Its detail.', HINT = 'Its hint.';
END $$;

-- Bytes in memory contexts: of all of them, and used in the one that lives as long as the backend.
CREATE FUNCTION fence.contexts(OUT total bigint, OUT top bigint) LANGUAGE sql SECURITY DEFINER
    SET search_path = pg_catalog AS $$
    SELECT sum(total_bytes), max(used_bytes) FILTER (WHERE name = 'TopMemoryContext')
      FROM pg_backend_memory_contexts
$$;

CREATE TYPE fence.expectation AS (state text, message text, detail text, hint text, context text);

-- Raises and handles `times` errors by running `call`; says what was wrong first, or null.
CREATE FUNCTION fence.repeat(call text, times integer, expected fence.expectation) RETURNS text
LANGUAGE plpgsql AS $$
DECLARE
    got fence.expectation;
    wrong text;
    alive bigint := fence.alive();
    built bigint := fence.constructed();
    caught integer := 0;
BEGIN
    FOR i IN 1 .. times LOOP
        BEGIN
            EXECUTE call;
        EXCEPTION WHEN query_canceled OR OTHERS THEN
            caught := caught + 1;
            GET STACKED DIAGNOSTICS got.state = RETURNED_SQLSTATE, got.message = MESSAGE_TEXT,
                got.detail = PG_EXCEPTION_DETAIL, got.hint = PG_EXCEPTION_HINT,
                got.context = PG_EXCEPTION_CONTEXT;
            IF (got.state, got.message, got.detail, got.hint)
               IS DISTINCT FROM (expected.state, expected.message, expected.detail, expected.hint) THEN
                wrong := coalesce(wrong, format('error %s: %s', i, got));
            ELSIF got.context NOT LIKE '%' || expected.context || '%' THEN
                wrong := coalesce(wrong, format('error %s: context %s', i, got.context));
            END IF;
        END;
        -- Whose statements these are, and where they look: as before the error. `only_here` is found by the path.
        IF current_user <> 'fence_caller' OR (SELECT seven FROM only_here) <> 7 THEN
            wrong := coalesce(wrong, format('after error %s: user %s', i, current_user));
        END IF;
    END LOOP;
    IF caught <> times THEN RETURN format('%s errors of %s', caught, times); END IF;
    IF fence.alive() <> alive THEN RETURN format('%s objects not destroyed', fence.alive() - alive); END IF;
    IF fence.constructed() < built + times THEN RETURN 'no objects were made'; END IF;
    RETURN wrong;
END $$;

-- The loop in a transaction of its own, twice: what the backend holds must not have grown.
CREATE PROCEDURE fence.prove(name text, call text, times integer, expected fence.expectation, INOUT result text)
LANGUAGE plpgsql AS $$
DECLARE
    wrong text;
    heap bigint;
    resident bigint;
    total bigint;
    top bigint;
    after_total bigint;
    after_top bigint;
BEGIN
    wrong := fence.repeat(call, least(times, 200), expected);
    COMMIT;
    SELECT c.total, c.top INTO total, top FROM fence.contexts() c;
    COMMIT;
    heap := fence.heap();
    resident := fence.resident();
    wrong := coalesce(wrong, fence.repeat(call, times, expected));
    COMMIT;
    heap := fence.heap() - heap;
    resident := fence.resident() - resident;
    SELECT c.total, c.top INTO after_total, after_top FROM fence.contexts() c;
    -- A leak of a single allocation per error would be 160 kB and more. A few deep recursions are no measure: their
    -- memory goes back to the system at times of its own.
    IF wrong IS NULL AND (heap > 64000 OR after_total - total > 64000 OR after_top - top > 8000
                          OR (times > 100 AND resident > 1000000)) THEN
        wrong := 'memory grew';
    END IF;
    result := format('%s %s: %s times (heap %s, resident %s, contexts %s, top %s bytes)%s',
                     CASE WHEN wrong IS NULL THEN 'ok' ELSE 'FAIL' END, name, times, heap, resident,
                     after_total - total, after_top - top, ' ' || wrong);
END $$;

GRANT EXECUTE ON ALL FUNCTIONS IN SCHEMA fence TO fence_caller;
