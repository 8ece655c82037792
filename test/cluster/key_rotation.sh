#!/usr/bin/env bash
# The master key is exchanged while everything runs: in batches, interrupted, by two at once; then the old one is gone.
set -euo pipefail
# shellcheck source=test/cluster/lib.bash
. "$(dirname "$0")/lib.bash"

SECRETS=2500
server r
folder=$DIR/r
key=$folder/master.key
create_database "$folder" db
cheap_hashes "$folder" db

use_keys() {
    printf '%s\n' "$@" | as_user tee "$key" >/dev/null
    reload "$folder"
}
state_of() { sqlstate "$folder" db "SELECT latchkey.$1"; }
usage() { query "$folder" db "SELECT string_agg(DISTINCT current::text, ',') FROM latchkey.master_key_usage()"; }
sealed_by_former() { query "$folder" db "SELECT coalesce(sum(\"values\"), 0) FROM latchkey.master_key_usage() WHERE NOT current"; }

old=$(cat "$key")
new=$(openssl rand -hex 32)
newest=$(openssl rand -hex 32)
query "$folder" db "SELECT latchkey.sign_up('ann@example.com', 'password 1')" >/dev/null
TOKEN=$(query "$folder" db "SELECT token FROM latchkey.login('ann@example.com', 'password 1')")
query "$folder" db "SELECT latchkey.set_secret('s.n' || i, 'value ' || i) FROM generate_series(1, $SECRETS) AS i" >/dev/null
stored=$((SECRETS + 1))  # and a signing key

check "one key has sealed all" true "$(usage)"
use_keys "$new" "$old"
check "the former key opens" 00000 "$(state_of "verify('$TOKEN')")"
check "the new one has sealed nothing yet" "$stored" "$(sealed_by_former)"
query "$folder" db "SELECT latchkey.set_secret('s.n1', 'another')" >/dev/null
check "what is set now is sealed with the new one" "$((stored - 1))" "$(sealed_by_former)"

check "a batch is as large as asked for" 1000 "$(query "$folder" db "SELECT latchkey.rotate_master_key()")"
# Interrupted: the transaction is gone, and what was done before is not.
open_session s "$folder" db
ask s "SELECT pg_backend_pid();"
pid=$answer
ask s "BEGIN; SELECT latchkey.rotate_master_key(500);"
check "a batch in a transaction" 500 "$answer"
check "another goes on meanwhile, with other rows" 400 "$(query "$folder" db "SELECT latchkey.rotate_master_key(400)")"
kill -9 "$pid"
close_session s
await 20 query_is "$folder" db "SELECT 1" 1 || fail "the server recovers"
check "what was interrupted is to be done again" "$((stored - 1 - 1400))" "$(sealed_by_former)"

rounds=0
while [ "$(query "$folder" db "SELECT latchkey.rotate_master_key(300)")" != 0 ] && [ "$rounds" -lt 20 ]; do rounds=$((rounds + 1)); done
check "after the last batch the new key has sealed all" true "$(usage)"
check "the token still verifies" 00000 "$(state_of "verify('$TOKEN')")"
use_keys "$new"
check "without the old key too" 00000 "$(state_of "verify('$TOKEN')")"
check "and a login" 00000 "$(state_of "login('ann@example.com', 'password 1')")"

# A value of another row opens with no key; the rotation stops there, and says so.
query "$folder" db "UPDATE latchkey.secrets SET sealed_value = (SELECT sealed_value FROM latchkey.secrets WHERE name = 's.n2') WHERE name = 's.n3'"
use_keys "$newest" "$new"
check "a value moved to another row does not open" LK504 "$(state_of "rotate_master_key(10000)")"
check_match "it says what to do" 'Restore the master key' "$(cat "$DIR/answer")"
check "and nothing was changed" "$stored" "$(sealed_by_former)"
query "$folder" db "SELECT latchkey.delete_secret('s.n3')" >/dev/null
check "then it goes on" "$((stored - 1))" "$(query "$folder" db "SELECT latchkey.rotate_master_key(10000)")"

# What a file may hold.
many=$(for _ in 1 2 3 4 5 6 7; do openssl rand -hex 32; done)
use_keys "$newest" "$many"
check "a key and seven former ones" 00000 "$(state_of "verify('$TOKEN')")"
use_keys "$newest" "$many" "$old"
check "nine are too many" LK504 "$(state_of "verify('$TOKEN')")"
use_keys "$newest" "no key"
check "a malformed former one" LK504 "$(state_of "verify('$TOKEN')")"
use_keys "$new" "$old"
check "without the current one" LK504 "$(state_of "verify('$TOKEN')")"
finish
