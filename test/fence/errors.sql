-- Errors of each kind, raised below C++ frames and handled in plpgsql: `times` times each.
SET search_path = caller, pg_catalog;
\set ON_ERROR_STOP off

\set prove 'CALL fence.prove'
-- Kinds that C++ throws.
:prove('domain error', $$SELECT fence.fail('domain')$$, :times,
    ('LK404', 'nothing here: 100 %s', 'The detail has %d of it.', 'The hint, too: %n.', 'repeat'), NULL);
:prove('domain error with a message alone', $$SELECT fence.fail('domain_bare')$$, :times,
    ('LK503', 'only a message', '', '', 'repeat'), NULL);
:prove('domain error with long texts', $$SELECT fence.fail('domain_long')$$, :times,
    ('LK400', repeat('ä', 255), 'x' || repeat('ä', 255), 'xx' || repeat('ä', 254), 'repeat'), NULL);
:prove('domain error within an SPI session', $$SELECT fence.fail('within_session')$$, :times,
    ('LK403', 'thrown within a session', '', '', 'repeat'), NULL);
:prove('std::bad_alloc', $$SELECT fence.fail('bad_alloc')$$, :times, ('53200', 'out of memory', '', '', 'repeat'), NULL);
:prove('operator new without memory', $$SELECT fence.fail('huge_new')$$, :times,
    ('53200', 'out of memory', '', '', 'repeat'), NULL);
:prove('std::exception', $$SELECT fence.fail('exception')$$, :times,
    ('XX000', 'a plain exception: %s', '', '', 'repeat'), NULL);
:prove('throw 42', $$SELECT fence.fail('number')$$, :times,
    ('XX000', 'unknown C++ exception', '', '', 'repeat'), NULL);

-- Errors of the server inside pg::Call.
:prove('ereport with detail and hint', $$SELECT fence.fail('server')$$, :times,
    ('LK999', 'raised by the server', 'The detail of the server.', 'The hint of the server.', 'repeat'), NULL);
:prove('ereport after a nested call that went well', $$SELECT fence.fail('after_nested')$$, :times,
    ('LK999', 'raised by the server', 'The detail of the server.', 'The hint of the server.', 'repeat'), NULL);
:prove('palloc beyond its limit', $$SELECT fence.fail('huge_palloc')$$, :times,
    ('XX000', 'invalid memory alloc request size 1073741824', '', '', 'repeat'), NULL);
:prove('server out of memory', $$SELECT fence.fail('out_of_memory')$$, :times,
    ('53200', 'out of memory', 'Failed on request of size 1152921504606846976 in memory context "ExprContext".', '',
     'repeat'), NULL);
:prove('division by zero in SPI', $$SELECT fence.fail('division')$$, :times,
    ('22012', 'division by zero', '', '', 'SELECT 1 / $1'), NULL);
:prove('unique violation in SPI', $$SELECT fence.fail('unique')$$, :times,
    ('23505', 'duplicate key value violates unique constraint "things_pkey"', 'Key (id)=(1) already exists.', '',
     'INSERT INTO fence.things'), NULL);
:prove('RAISE in plpgsql in SPI', $$SELECT fence.fail('plpgsql')$$, :times,
    ('LK998', 'raised by plpgsql', 'Its detail.', 'Its hint.', 'function fence.raise() line 3'), NULL);
:prove('cancel', $$SELECT fence.fail('cancel')$$, :times,
    ('57014', 'canceling statement due to user request', '', '', 'repeat'), NULL);

-- Several levels: C++, SPI, plpgsql with and without a handler, C++ …
:prove('domain error six levels down', $$SELECT fence.nest(6, 'domain')$$, :times,
    ('LK404', 'nothing here: 100 %s', 'The detail has %d of it.', 'The hint, too: %n.', 'relay(integer,text) line 4'),
    NULL);
:prove('unique violation six levels down', $$SELECT fence.nest(6, 'unique')$$, :times,
    ('23505', 'duplicate key value violates unique constraint "things_pkey"', 'Key (id)=(1) already exists.', '',
     'INSERT INTO fence.things'), NULL);
:prove('throw 42 three levels down', $$SELECT fence.nest(3, 'number')$$, :times,
    ('XX000', 'unknown C++ exception', '', '', 'relay(integer,text) line 7'), NULL);
:prove('bad_alloc three levels down', $$SELECT fence.nest(3, 'bad_alloc')$$, :times,
    ('53200', 'out of memory', '', '', 'relay(integer,text) line 7'), NULL);
:prove('cancel three levels down', $$SELECT fence.nest(3, 'cancel')$$, :times,
    ('57014', 'canceling statement due to user request', '', '', 'relay(integer,text) line 7'), NULL);

-- In the middle of a set, and from SQL that is parsed each time.
:prove('domain error in a half emitted set', $$SELECT * FROM fence.set_half('domain_bare')$$, :times,
    ('LK503', 'only a message', '', '', 'repeat'), NULL);
:prove('division by zero in a half emitted set', $$SELECT * FROM fence.set_half('division')$$, :times,
    ('22012', 'division by zero', '', '', 'SELECT 1 / $1'), NULL);
:prove('stack depth', $$SELECT fence.nest(1000000, 'domain')$$, 20,
    ('54001', 'stack depth limit exceeded', '',
     'Increase the configuration parameter "max_stack_depth" (currently 2048kB), '
     'after ensuring the platform''s stack depth limit is adequate.', ''), NULL);
