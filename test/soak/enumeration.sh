#!/usr/bin/env bash
# Does the time of a failed login tell whether an address is known? Welch's t over many logins of known and unknown
# addresses in random order, |t| < 4.5 (the bound of the TVLA methodology). SOAK_LOGINS sets how many (20,000).
set -euo pipefail
# shellcheck source=scripts/lib.sh
. "$(dirname "$0")/../../scripts/lib.sh"
logins=${SOAK_LOGINS:-20000}

folder=$(mktemp -d /tmp/latchkey-soak.XXXXXX)
chown "$OS_USER" "$folder"
trap 'stop_cluster "$folder" immediate; rm -rf "$folder"' EXIT
create_cluster "$folder"
start_cluster "$folder"
create_database "$folder" soak

# The cheapest hash that the settings allow: the less it takes, the more the rest of the call shows.
admin_psql "$folder" soak -v logins="$logins" <<'SQL'
SELECT latchkey.set_setting('passwords.argon2_memory_kib', '8192'), latchkey.set_setting('passwords.argon2_passes', '1'),
       latchkey.set_setting('throttle.account_attempts', '1000') \g /dev/null
CREATE TABLE logins (address text, known boolean, place double precision DEFAULT random(), micros double precision);
INSERT INTO logins (address, known) SELECT format('user%s@example.com', i % 100), i % 2 = 0
  FROM generate_series(0, :logins - 1) AS i;
UPDATE logins SET address = 'no' || address WHERE NOT known;
DO $$
DECLARE
  attempt record;
  hash text := latchkey.hash_password('the same for everyone');
  started timestamptz;
  result text;
BEGIN
  FOR attempt IN SELECT DISTINCT address FROM logins WHERE known LOOP
    PERFORM latchkey.register_user(attempt.address);
  END LOOP;
  UPDATE latchkey.users SET password_hash = hash;
  COMMIT;
  FOR attempt IN SELECT ctid, address FROM logins ORDER BY place LOOP
    started := clock_timestamp();
    result := (latchkey.login(attempt.address, 'a wrong password')).outcome;
    UPDATE logins SET micros = extract(epoch FROM clock_timestamp() - started) * 1e6 WHERE logins.ctid = attempt.ctid;
    IF result <> 'invalid_credentials' THEN RAISE EXCEPTION 'unexpected outcome %', result; END IF;
    DELETE FROM latchkey.login_attempts;
    COMMIT;
  END LOOP;
END $$;
SQL

# The slowest hundredth is left out: what the machine did meanwhile says nothing about the address.
t=$(admin_psql "$folder" soak -At <<'SQL'
WITH kept AS (
  SELECT known, micros FROM logins WHERE micros < (SELECT percentile_cont(0.99) WITHIN GROUP (ORDER BY micros) FROM logins)),
groups AS (SELECT known, avg(micros) AS mean, var_samp(micros) / count(*) AS error FROM kept GROUP BY known)
SELECT round(((a.mean - b.mean) / sqrt(a.error + b.error))::numeric, 2)
  FROM groups a JOIN groups b ON a.known AND NOT b.known;
SQL
)
say "Welch's t over $logins logins: $t"
awk -v t="$t" 'BEGIN { exit !(t < 4.5 && t > -4.5) }'
