#!/usr/bin/env bash
# Installs what building and testing need and is missing: Debian's packages, and cpp-httplib's header.
set -euo pipefail
# shellcheck source=scripts/lib.sh
. "$(dirname "$0")/lib.sh"
# shellcheck source=scripts/debian.sh
. "$(dirname "$0")/debian.sh"

HTTPLIB_FLOOR=0.41
HTTPLIB_HEADER=$ROOT/build/include/httplib.h
PACKAGES=(make g++ pkg-config libpq-dev libargon2-dev libidn2-dev libssl-dev nlohmann-json3-dev libgtest-dev python3 curl openssl
    ca-certificates xz-utils libfaketime)

# The oldest minor release of each major version without known holes that reach an extension.
floor_of() {
    case $1 in
        14) echo 14.25 ;; 15) echo 15.20 ;; 16) echo 16.16 ;; 17) echo 17.12 ;; *) echo "$1.7" ;;
    esac
}

# The version of a package, empty when it is not installed.
installed() { { dpkg-query -W -f '${db:Status-Status} ${Version}\n' "$1" 2>/dev/null || true; } | sed -n 's/^installed //p'; }

# The major version to build for: of the server that PG_CONFIG names, else the one that the distribution offers.
server_major() {
    local major=
    if command -v "$PG_CONFIG" >/dev/null; then major=$("$PG_CONFIG" --version | sed 's/^[^0-9]*\([0-9]*\).*/\1/'); fi
    [ -n "$major" ] || major=$(apt-cache depends postgresql 2>/dev/null | sed -n 's/.*Depends: postgresql-\([0-9]*\)$/\1/p')
    echo "$major"
}

# A server that was built from source is its owner's business: only its headers are looked for.
server_is_packaged() {
    ! command -v "$PG_CONFIG" >/dev/null || case $("$PG_CONFIG" --bindir) in
        /usr/bin | /usr/lib/postgresql/*) true ;; *) false ;;
    esac
}

missing_packages() {
    local package major server
    for package in "${PACKAGES[@]}"; do
        [ -n "$(installed "$package")" ] || echo "$package"
    done
    server_is_packaged || return 0
    major=$(server_major)
    server=$(installed "postgresql-$major")
    # A module that was built with newer headers may not load in an older server: always both, at one version.
    if [ -z "$major" ]; then
        echo postgresql
    elif [ -z "$server" ] || [ "$server" != "$(installed "postgresql-server-dev-$major")" ] ||
        dpkg --compare-versions "$server" lt "$(floor_of "$major")"; then
        printf '%s\n' "postgresql-$major" "postgresql-client-$major" "postgresql-server-dev-$major"
    fi
}

install_packages() {
    local wanted
    command -v apt-get >/dev/null || die "missing: ${*} (Debian's names). Install them with your package manager."
    if [ "$(id -u)" != 0 ] && ! command -v sudo >/dev/null; then
        die "there is no sudo here. Run this as root first: apt-get install ${*}"
    fi
    apt update || say "Warning: apt-get update failed; using the package lists that are here." >&2
    # With the server's major version unknown until now, ask again.
    mapfile -t wanted < <(missing_packages)
    say "Installing ${wanted[*]} …"
    # A new server package makes and starts a cluster of its own, unless this says no.
    local dropin=/etc/postgresql-common/createcluster.d/latchkey-build.conf
    as_root mkdir -p "${dropin%/*}"
    # shellcheck disable=SC2064 # The path of now is meant.
    trap "as_root rm -f '$dropin'" EXIT
    echo 'create_main_cluster = false' | as_root tee "$dropin" >/dev/null
    apt install --yes --no-install-recommends "${wanted[@]}" || die "apt-get could not install: ${wanted[*]}"
    as_root rm -f "$dropin"
    trap - EXIT
}

check_server() {
    local major server
    server_is_packaged || return 0
    major=$(server_major)
    server=$(installed "postgresql-$major")
    [ "$server" = "$(installed "postgresql-server-dev-$major")" ] ||
        die "postgresql-$major and postgresql-server-dev-$major have different versions: upgrade both."
    if dpkg --compare-versions "$server" lt "$(floor_of "$major")"; then
        say "Warning: PostgreSQL $server has known security holes; $(floor_of "$major") is not offered by apt here." >&2
    fi
}

# The version that a httplib.h says it has, when it is new enough.
httplib_version() {
    local version
    version=$(sed -n 's/^#define CPPHTTPLIB_VERSION "\(.*\)"/\1/p' "$1" 2>/dev/null)
    [ -n "$version" ] && dpkg --compare-versions "$version" ge "$HTTPLIB_FLOOR" && echo "$version"
}

have_httplib() {
    pkg-config --exists "cpp-httplib >= $HTTPLIB_FLOOR" 2>/dev/null || httplib_version "$HTTPLIB_HEADER" >/dev/null
}

# Debian's stable releases carry versions with holes, so the source package of the development release is taken.
fetch_httplib() {
    local scratch
    scratch=$(mktemp -d)
    # shellcheck disable=SC2064 # The path of now is meant.
    trap "rm -rf '$scratch'" EXIT
    say "Fetching cpp-httplib …"
    from_release deb-src sid "$scratch" source --download-only cpp-httplib ||
        die "cpp-httplib could not be fetched: put its httplib.h, $HTTPLIB_FLOOR or later, into build/include/."
    tar -xf "$scratch"/cpp-httplib_*.orig.tar.* --wildcards --strip-components=1 -C "$scratch" '*/httplib.h'
    httplib_version "$scratch/httplib.h" >/dev/null || die "Debian's cpp-httplib is older than $HTTPLIB_FLOOR."
    mkdir -p "${HTTPLIB_HEADER%/*}"
    mv "$scratch/httplib.h" "$HTTPLIB_HEADER"
}

mapfile -t missing < <(missing_packages)
if [ "${#missing[@]}" -gt 0 ]; then install_packages "${missing[@]}"; fi
check_server
have_httplib || fetch_httplib
