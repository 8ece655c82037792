#!/usr/bin/env bash
# Builds Latchkey and starts it on a private PostgreSQL server: `make up [PORT=8080]`. Safe to repeat.
set -euo pipefail
# shellcheck source=scripts/dev/common.sh
. "$(dirname "$0")/common.sh"

PORT=${PORT:-8080}
case $PORT in '' | *[!0-9]*) die "PORT=$PORT is not a number." ;; esac

port_is_busy() { (: <"/dev/tcp/127.0.0.1/$PORT") 2>/dev/null; }

# Asked before the build, so that nobody waits for it in vain. Our own gateway may hold the port.
check_port() {
    local folder
    folder=$(dev_folder)
    if [ -n "$folder" ] && [ -n "$(gateway_pid "$folder")" ] && [ "$(cat "$folder/port")" = "$PORT" ]; then return; fi
    if port_is_busy; then
        die "port $PORT is used by another program. Choose another one: make up PORT=$((PORT + 1))"
    fi
}

build() {
    local log=$ROOT/build/build.log
    mkdir -p "$ROOT/build"
    say "Building …"
    if ! make -s -C "$ROOT" -j"$(nproc)" world >"$log" 2>&1; then
        tail -n 30 "$log" >&2
        die "the build failed: see $log"
    fi
}

prepare_folder() {
    local folder
    folder=$(dev_folder)
    if [ -z "$folder" ]; then
        rm -f "$DEV_LINK"
        # The name derives from the checkout's path, so that two checkouts don't share a server.
        folder=$(private_folder "$DEV_LINK" "latchkey-$(id -u)-$(printf %s "$ROOT" | cksum | cut -d ' ' -f 1)")
        [ "$folder" = "$DEV_LINK" ] || ln -s "$folder" "$DEV_LINK"
    fi
    as_user mkdir -p -m 0700 "$folder/bin" "$folder/outbox"
    ln -sfn "$folder/outbox" "$ROOT/build/outbox"
}

# Connections that are open keep the library that they loaded, and it may have been replaced by 'make test' or 'make
# install' since: so its checksum is kept, and a server that was started with another one is restarted, its gateway too.
start_server() {
    local folder library
    folder=$(dev_folder)
    library=$(cksum <"$("$PG_CONFIG" --pkglibdir)/latchkey.so")
    if ! [ -d "$folder/data" ]; then
        say "Creating a PostgreSQL server in $folder …"
        create_cluster "$folder"
    fi
    if [ "$library" != "$(cat "$folder/library.cksum" 2>/dev/null)" ]; then
        stop_gateway "$folder"
        stop_cluster "$folder"
    fi
    if ! cluster_runs "$folder"; then
        start_cluster "$folder"
        as_user tee "$folder/library.cksum" >/dev/null <<<"$library"
    fi
}

prepare_database() {
    local folder version installed script
    folder=$(dev_folder)
    script=$(ls "$ROOT"/build/latchkey--*.sql)
    version=${script##*--}
    version=${version%.sql}
    installed=$(installed_version "$folder" latchkey)
    if [ -z "$installed" ]; then
        create_database "$folder" latchkey
        cksum <"$script" | as_user tee "$folder/script.cksum" >/dev/null
    elif [ "$installed" != "$version" ]; then
        admin_psql "$folder" latchkey -c "ALTER EXTENSION latchkey UPDATE TO '$version'"
        cksum <"$script" | as_user tee "$folder/script.cksum" >/dev/null
    elif [ "$(cksum <"$script")" != "$(cat "$folder/script.cksum")" ]; then
        say "Note: sql/modules/ changed since this database was made, without a new version. 'make reset' starts afresh."
    fi
    create_logins "$folder"
}

start_gateway() {
    local folder wait pid
    folder=$(dev_folder)
    if [ -n "$(gateway_pid "$folder")" ]; then
        if [ "$(cat "$folder/port")" = "$PORT" ] &&
            cmp -s "$ROOT/build/latchkey-gateway" "$folder/bin/latchkey-gateway"; then return; fi
        stop_gateway "$folder"
    fi
    # Copies: the cluster's user need not be able to read the checkout.
    install -m 0755 "$ROOT/build/latchkey-gateway" "$ROOT/scripts/dev/mail-to-outbox" "$folder/bin/"
    rm -rf "$folder/templates"
    cp -R "$ROOT/sql/templates" "$folder/templates"
    chmod -R a+rX "$folder/templates"
    as_user tee "$folder/port" >/dev/null <<<"$PORT"
    as_user env LATCHKEY_HOST=127.0.0.1 LATCHKEY_PORT="$PORT" LATCHKEY_PUBLIC_URL="http://127.0.0.1:$PORT" \
        LATCHKEY_DATABASE_URL="postgresql:///latchkey?host=$folder/socket&user=gateway" \
        LATCHKEY_WITH_WORKER=on LATCHKEY_WORKER_DATABASE_URL="postgresql:///latchkey?host=$folder/socket&user=worker" \
        LATCHKEY_TEMPLATES="$folder/templates" LATCHKEY_MAIL_COMMAND="$folder/bin/mail-to-outbox" LATCHKEY_OUTBOX="$folder/outbox" \
        setsid bash -c 'echo $$ >"$0/gateway.pid"; exec "$0/bin/latchkey-gateway" >>"$0/log/gateway.log" 2>&1' \
        "$folder" </dev/null >/dev/null 2>&1 &
    for ((wait = 0; wait < 100; wait++)); do
        if curl -fso /dev/null --max-time 2 "http://127.0.0.1:$PORT/readyz"; then return; fi
        sleep 0.1
        pid=$(gateway_pid "$folder")
        if [ "$wait" -gt 10 ] && [ -z "$pid" ]; then break; fi
    done
    tail -n 5 "$folder/log/gateway.log" >&2
    stop_gateway "$folder"
    die "the gateway did not get ready: see $folder/log/gateway.log"
}

print_what_to_try() {
    local folder url=http://127.0.0.1:$PORT json="-H 'Content-Type: application/json'"
    folder=$(dev_folder)
    cat <<TEXT

Latchkey runs: $url   (stop it with 'make down')
  logs    $folder/log/
  mails   build/outbox/
  psql    scripts/dev/psql [--admin]

Try it:

curl -s $json -d '{"email": "ann@example.com", "password": "correct horse battery", "name": "Ann"}' $url/api/auth/register; echo
TOKEN=\$(curl -s $json -d '{"email": "ann@example.com", "password": "correct horse battery"}' $url/api/auth/login | sed -n 's/.*"token": *"\([^"]*\)".*/\1/p'); echo "\$TOKEN"
curl -s -H "Authorization: Bearer \$TOKEN" $url/api/auth/verify; echo
psql 'host=$folder/socket dbname=latchkey user=app' -c "SELECT outcome, user_id, expires_at FROM latchkey.login('ann@example.com', 'correct horse battery')"
build/latchkey-gateway create-admin root@example.com --database-url 'host=$folder/socket dbname=latchkey user=postgres'   # asks for a password
TEXT
}

main() {
    check_port
    "$ROOT/scripts/deps.sh"
    build
    prepare_folder
    install_extension || true
    start_server
    prepare_database
    start_gateway
    print_what_to_try
}

# Two runs at once would create the server twice. --close: the server and the gateway must not inherit the lock.
if [ "${1:-}" = --locked ]; then
    main
else
    mkdir -p "$ROOT/build"
    status=0
    flock --nonblock --close --conflict-exit-code 75 "$ROOT/build/up.lock" "$0" --locked || status=$?
    [ "$status" != 75 ] || die "another 'make up' is running in this checkout."
    exit "$status"
fi
