# Shared by the scripts: messages, privileges and private clusters. Source it from a script of this repository.
# shellcheck shell=bash

ROOT=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd -P)
PG_CONFIG=${PG_CONFIG:-pg_config}

# The caller's PGPORT, PGHOST and so on would move our servers and clients elsewhere.
for name in ${!PG*}; do
    [ "$name" = PG_CONFIG ] || unset "$name"
done
unset name
# The settings of a `make` that runs us must not reach the ones that we run.
unset MAKEFLAGS MFLAGS MAKELEVEL

say() { printf '%s\n' "$*"; }
die() {
    printf '%s: %s\n' "${0##*/}" "$*" >&2
    exit 1
}

# Runs a command as root, with sudo when needed.
as_root() {
    if [ "$(id -u)" = 0 ]; then
        "$@"
    elif command -v sudo >/dev/null; then
        sudo -- "$@"
    else
        die "this needs root: ${*:1:3} … Run it as root, or install sudo."
    fi
}

# PostgreSQL refuses to run as root: then the cluster and the gateway belong to this user.
OS_USER=$(id -un)
if [ "$(id -u)" = 0 ]; then OS_USER=${LATCHKEY_OS_USER:-postgres}; fi

# Prints the words that run a command as OS_USER. setpriv leaves no waiting parent behind, unlike su, so that the
# command's pid is the one we started.
run_as_words() {
    if [ "$(id -u)" = 0 ]; then
        echo "setpriv --reuid=$OS_USER --regid=$(id -g "$OS_USER") --init-groups --"
    fi
}

# Runs a command as OS_USER, in a folder that this user can enter.
as_user() {
    local words
    read -r -a words <<<"$(run_as_words)"
    (cd / && exec "${words[@]}" "$@")
}

bindir() { "$PG_CONFIG" --bindir; }

# Prints a folder for a private cluster. $1 is where it should be; when OS_USER can't enter that place, or when the
# socket's path would be too long for the kernel (107 bytes), it is $2 below /var/tmp instead.
private_folder() {
    local wanted=$1 folder=$1
    mkdir -p "$(dirname "$wanted")"
    if [ "${#wanted}" -gt 80 ] || ! as_user test -x "$(dirname "$wanted")"; then
        folder=/var/tmp/$2
    fi
    # Everybody may create names in /var/tmp, so a folder that is there already must be ours.
    if [ ! -e "$folder" ]; then
        mkdir -m 0700 "$folder"
        chown "$OS_USER" "$folder"
    fi
    if [ -L "$folder" ] || [ "$(stat -c %U "$folder")" != "$OS_USER" ]; then
        die "$folder exists and does not belong to $OS_USER: remove it first."
    fi
    chmod 0700 "$folder"
    echo "$folder"
}

# Makes a cluster below the private folder $1, with a master key: data/, socket/, log/, master.key. Only the folder's
# owner and root can reach the socket, and nothing listens on TCP: that is why `trust` is safe here.
create_cluster() {
    local folder=$1 part=$1/data.part
    as_user rm -rf "$part"
    if ! as_user "$(bindir)/initdb" --pgdata="$part" --username=postgres --encoding=UTF8 --locale=C.UTF-8 \
        --data-checksums --auth=trust >"$folder/initdb.log" 2>&1; then
        tail -n 5 "$folder/initdb.log" >&2
        die "initdb failed."
    fi
    rm -f "$folder/initdb.log"
    as_user mkdir -p -m 0700 "$folder/socket" "$folder/log"
    # Outside data/, so that a base backup does not carry the key along.
    as_user bash -c 'umask 077 && openssl rand -hex 32 >"$1"' - "$folder/master.key"
    as_user tee -a "$part/postgresql.conf" >/dev/null <<CONF

# Written by Latchkey's scripts.
listen_addresses = ''
unix_socket_directories = '$folder/socket'
unix_socket_permissions = 0700
shared_buffers = 128MB
timezone = 'UTC'
log_timezone = 'UTC'
log_line_prefix = '%m [%p] %q%u@%d '
# Bound values may be passwords and tokens: they stay out of the log, of failed statements too.
log_parameter_max_length = 0
log_parameter_max_length_on_error = 0
latchkey.master_key_file = '$folder/master.key'
CONF
    # Last, so that data/ is complete whenever it exists.
    as_user mv "$part" "$folder/data"
}

start_cluster() {
    local folder=$1
    if ! as_user "$(bindir)/pg_ctl" start --wait --silent --pgdata="$folder/data" --log="$folder/log/postgresql.log" \
        >/dev/null 2>&1 </dev/null; then
        tail -n 5 "$folder/log/postgresql.log" >&2
        die "PostgreSQL did not start: see $folder/log/postgresql.log"
    fi
}

cluster_runs() { as_user "$(bindir)/pg_ctl" status --pgdata="$1/data" >/dev/null 2>&1; }

stop_cluster() {
    if cluster_runs "$1"; then
        as_user "$(bindir)/pg_ctl" stop --wait --silent --mode="${2:-fast}" --pgdata="$1/data" >/dev/null
    fi
}

# psql as the superuser of a private cluster: admin_psql FOLDER DATABASE OPTION…
admin_psql() {
    local folder=$1 database=$2
    shift 2
    "$(bindir)/psql" -X -q -v ON_ERROR_STOP=1 "$@" "host=$folder/socket dbname=$database user=postgres"
}

# The version of the extension in a database, empty when it or the database is missing.
installed_version() {
    [ "$(admin_psql "$1" postgres -At -c "SELECT count(*) FROM pg_database WHERE datname = '$2'")" = 1 ] || return 0
    admin_psql "$1" "$2" -At -c "SELECT extversion FROM pg_extension WHERE extname = 'latchkey'"
}

# Creates a database with the extension, and the roles that log in.
create_database() {
    if [ "$(admin_psql "$1" postgres -At -c "SELECT count(*) FROM pg_database WHERE datname = '$2'")" = 0 ]; then
        admin_psql "$1" postgres -c "CREATE DATABASE $2"
    fi
    admin_psql "$1" "$2" --single-transaction <<'SQL'
SET client_min_messages = warning;
CREATE EXTENSION latchkey CASCADE;
SQL
    create_logins "$1"
}

# Creates the roles that log in: `gateway`, `app` and `worker`. They belong to the whole cluster, so they may be there.
create_logins() {
    admin_psql "$1" postgres --single-transaction <<'SQL'
SET client_min_messages = warning;
SELECT format('CREATE ROLE %I LOGIN', name) FROM unnest('{gateway,app,worker}'::text[]) AS name
WHERE NOT EXISTS (SELECT FROM pg_roles WHERE rolname = name) \gexec
GRANT latchkey_gateway TO gateway;
GRANT latchkey_app TO app;
GRANT latchkey_worker TO worker;
SQL
}

# Installs the extension, with root's rights only when something differs from what the server has. Returns 0 when the
# installation changed.
install_extension() {
    local sharedir pkglibdir script
    sharedir=$("$PG_CONFIG" --sharedir)/extension
    pkglibdir=$("$PG_CONFIG" --pkglibdir)
    script=$(ls "$ROOT"/build/latchkey--*.sql)
    if cmp -s "$ROOT/latchkey.so" "$pkglibdir/latchkey.so" && cmp -s "$script" "$sharedir/${script##*/}" &&
        cmp -s "$ROOT/latchkey.control" "$sharedir/latchkey.control"; then
        return 1
    fi
    if [ -w "$pkglibdir" ] && [ -w "$sharedir" ]; then
        make -s -C "$ROOT" install >/dev/null || die "make install failed."
    else
        as_root make -s -C "$ROOT" install PG_CONFIG="$PG_CONFIG" >/dev/null || die "make install failed."
    fi
}
