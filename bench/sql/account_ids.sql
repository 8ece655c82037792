-- The accounts of the figures about credits have numbers, which pgbench can draw.
CREATE FUNCTION account_id(n bigint) RETURNS uuid
LANGUAGE sql IMMUTABLE PARALLEL SAFE
RETURN ('00000000-0000-7000-8000-' || lpad(to_hex(n), 12, '0'))::uuid;
