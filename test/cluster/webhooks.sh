#!/usr/bin/env bash
# Webhooks reach a server: signed, over verified TLS, again after a failure and after the worker was killed, and never a private address
# that nobody allowed.
set -euo pipefail
# shellcheck source=test/cluster/lib.bash
. "$(dirname "$0")/lib.bash"
# What await calls looks unreachable.
# shellcheck disable=SC2317

PLATFORM=00000000-0000-0000-0000-000000000000
server w
folder=$DIR/w
create_database "$folder" db
query "$folder" db "UPDATE latchkey.job_schedules SET enabled = false" >/dev/null
set_to() { query "$folder" db "SELECT latchkey.set_setting('$1', '$2')" >/dev/null; }
set_to webhooks.allow_http true
set_to webhooks.timeout '2 seconds'
set_to jobs.retry_delay '1 second'

# receiver NAME [CERTIFICATE KEY]: its port is in $port.
receiver() {
    mkdir "$DIR/$1"
    python3 "$(dirname "$0")/receiver.py" "$DIR/$1" "${@:2}" >"$DIR/$1/log" 2>&1 9>&- &
    child_pids+=("$!")
    await 10 test -e "$DIR/$1/port" || fail "receiver $1 starts"
    port=$(cat "$DIR/$1/port")
}
# worker [FLAG…]: its process id is in $worker.
worker() {
    "${LATCHKEY_GATEWAY:-$ROOT/build/latchkey-gateway}" work --worker-lease-s 2 \
        --worker-database-url "$(url "$folder" db worker)" "$@" >>"$DIR/worker.log" 2>&1 9>&- &
    worker=$!
    child_pids+=("$worker")
}
# endpoint URL TYPES: its id and secret, with a space between.
endpoint() {
    query "$folder" db "SELECT id || ' ' || secret FROM latchkey.create_webhook_endpoint('$PLATFORM', '$1', '$2')"
}
event() { query "$folder" db "SELECT id FROM latchkey.record_event('thing', '$1', '$2', '{\"n\": 1}')"; }
# delivery_is ENDPOINT EVENT COLUMNS WANTED
# shellcheck disable=SC2317
delivery_is() {
    query_is "$folder" db "SELECT $3 FROM latchkey.list_webhook_deliveries('$PLATFORM', '$1') WHERE event_id = '$2'" "$4"
}
received() { { grep -s "\"Latchkey-Event-Id\": \"$2\"" "$DIR/$1/requests" || true; } | wc -l; }
# signatures NAME EVENT SECRET: of how many signatures of the last such request each is right.
signatures() {
    python3 - "$DIR/$1/requests" "$2" "$3" <<'PYTHON'
import hashlib, hmac, json, sys
last = [r for r in map(json.loads, open(sys.argv[1])) if r["headers"]["Latchkey-Event-Id"] == sys.argv[2]][-1]
parts = [p.split("=", 1) for p in last["headers"]["Latchkey-Signature"].split(",")]
seconds = dict(parts)["t"]
want = hmac.new(sys.argv[3].encode(), f"{seconds}.{last['body']}".encode(), hashlib.sha256).hexdigest()
given = [value for name, value in parts if name == "v1"]
print(given.count(want), "of", len(given), json.loads(last["body"])["id"] == sys.argv[2])
PYTHON
}

receiver plain
worker
read -r one secret <<<"$(endpoint "http://127.0.0.1:$port/hook?a=b" '{plain.*}')"
first=$(event 1 plain.made)
check_true "a private address is refused" await 15 delivery_is "$one" "$first" "error" \
    "the host's address is private or reserved"
for host in localhost 0x7f.1 2130706433 '[::ffff:127.0.0.1]'; do
    read -r other _ <<<"$(endpoint "http://$host:$port/" '{other.*}')"
    id=$(event 1 other.made)
    check_true "a private address is refused however it is written: $host" await 15 delivery_is "$other" "$id" \
        "error IN ('the host''s address is private or reserved') OR error LIKE 'the host can''t be resolved%'" t
    query "$folder" db "SELECT latchkey.delete_webhook_endpoint('$PLATFORM', '$other')" >/dev/null
done
check "and nothing was sent there" 0 "$(received plain "$first")"
kill "$worker"
wait "$worker" || true

worker --webhook-networks 127.0.0.0/8
check_true "allowed, it is tried again and delivered" await 30 delivery_is "$one" "$first" "status" delivered
check "with a signature over time and body" "1 of 1 True" "$(signatures plain "$first" "$secret")"
check "to path and query" /hook?a=b "$(head -n 1 "$DIR/plain/requests" | sed -E 's/.*"path": "([^"]*)".*/\1/')"

echo 500 >"$DIR/plain/answer"
second=$(event 2 plain.made)
check_true "a failure is noted" await 15 delivery_is "$one" "$second" "status || ' ' || response_status" 'retrying 500'
echo 302 >"$DIR/plain/answer"
check_true "a redirect is one, and not followed" await 15 delivery_is "$one" "$second" "status || ' ' || response_status" 'retrying 302'
check "nothing went elsewhere" 0 "$(grep -c elsewhere "$DIR/plain/requests" || true)"
echo hang >"$DIR/plain/answer"
check_true "so is a server that does not answer in time" await 20 delivery_is "$one" "$second" \
    "response_status IS NULL AND duration_ms BETWEEN 1900 AND 4000" t
echo 200 >"$DIR/plain/answer"
check_true "and tried again until it is delivered" await 30 delivery_is "$one" "$second" "status" delivered
check_true "the same event more than once" [ "$(received plain "$second")" -ge 4 ]

rotated=$(query "$folder" db "SELECT secret FROM latchkey.rotate_webhook_secret('$PLATFORM', '$one')")
third=$(event 3 plain.made)
check_true "after a rotation" await 15 delivery_is "$one" "$third" "status" delivered
check "the new secret signs" "1 of 2 True" "$(signatures plain "$third" "$rotated")"
check "and the old one still does" "1 of 2 True" "$(signatures plain "$third" "$secret")"

echo hang >"$DIR/plain/answer"
set_to webhooks.timeout '30 seconds'
fourth=$(event 4 plain.made)
# shellcheck disable=SC2317
sent() { [ "$(received "$1" "$2")" -ge "$3" ]; }
await 15 sent plain "$fourth" 1 || fail "the event is being sent"
kill -KILL "$worker"
echo 200 >"$DIR/plain/answer"
worker --webhook-networks 127.0.0.0/8
check_true "what a killed worker was sending comes from another" await 30 delivery_is "$one" "$fourth" "status" delivered
check "with the same id" 2 "$(received plain "$fourth")"
echo hang >"$DIR/plain/answer"
fifth=$(event 5 plain.made)
await 15 sent plain "$fifth" 1 || fail "the event is being sent"
query "$folder" db "SELECT latchkey.enqueue_job('latchkey.purge_jobs')" >/dev/null
check_true "a hanging server holds up no other jobs" await 10 query_is "$folder" db \
    "SELECT count(*) FROM latchkey.job_history WHERE type = 'latchkey.purge_jobs'" 1
echo 200 >"$DIR/plain/answer"

openssl req -x509 -newkey rsa:2048 -nodes -days 2 -subj /CN=localhost -addext subjectAltName=DNS:localhost \
    -keyout "$DIR/key.pem" -out "$DIR/cert.pem" 2>/dev/null
receiver tls "$DIR/cert.pem" "$DIR/key.pem"
read -r tls _ <<<"$(endpoint "https://localhost:$port/" '{tls.*}')"
read -r name _ <<<"$(endpoint "https://127.0.0.1:$port/" '{name.*}')"
untrusted=$(event 6 tls.made)
check_true "a certificate that nobody vouches for is refused" await 15 delivery_is "$tls" "$untrusted" \
    "status || ' ' || coalesce(response_status, 0)" 'retrying 0'
kill "$worker"
wait "$worker" || true
export SSL_CERT_FILE=$DIR/cert.pem
worker --webhook-networks 127.0.0.0/8,::1
wrong=$(event 7 name.made)
check_true "a trusted one is accepted" await 30 delivery_is "$tls" "$untrusted" "status" delivered
check_true "but not for another name" await 15 delivery_is "$name" "$wrong" "status || ' ' || coalesce(response_status, 0)" 'retrying 0'
check "over TLS nothing was sent before" 1 "$(received tls "$untrusted")"
finish
