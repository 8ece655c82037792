-- What an application writes itself: an opaque token, its SHA-256 under a unique index, the
-- session's expiry and revocation, and the user's row, in one plpgsql function. No signature.
CREATE SCHEMA plain;

CREATE TABLE plain.users (
    id uuid PRIMARY KEY DEFAULT gen_random_uuid(),
    email text NOT NULL UNIQUE,
    name text NOT NULL,
    tier text NOT NULL DEFAULT 'free',
    created_at timestamptz NOT NULL DEFAULT now()
);
CREATE TABLE plain.sessions (
    id uuid PRIMARY KEY DEFAULT gen_random_uuid(),
    user_id uuid NOT NULL REFERENCES plain.users ON DELETE CASCADE,
    token_hash bytea NOT NULL UNIQUE,
    expires_at timestamptz NOT NULL,
    revoked_at timestamptz
);
CREATE INDEX ON plain.sessions (user_id);

INSERT INTO plain.users (email, name)
SELECT 'u' || i || '@example.org', 'User ' || i FROM generate_series(1, 100000) AS i;

CREATE TABLE plain.tokens AS
SELECT row_number() OVER () AS id, u.id AS user_id,
       encode(sha256(u.id::text::bytea), 'base64') AS token
FROM plain.users AS u;
ALTER TABLE plain.tokens ADD PRIMARY KEY (id);

INSERT INTO plain.sessions (user_id, token_hash, expires_at)
SELECT t.user_id, sha256(convert_to(t.token, 'UTF8')), now() + interval '30 days'
FROM plain.tokens AS t;

CREATE FUNCTION plain.check_session(token text) RETURNS plain.users
LANGUAGE plpgsql STABLE AS $$
DECLARE
    found_user plain.users;
BEGIN
    SELECT u.* INTO found_user
    FROM plain.sessions AS s JOIN plain.users AS u ON u.id = s.user_id
    WHERE s.token_hash = sha256(convert_to(token, 'UTF8'))
      AND s.expires_at > now() AND s.revoked_at IS NULL;
    RETURN found_user;
END
$$;
VACUUM ANALYZE plain.users, plain.sessions, plain.tokens;
