#!/usr/bin/env bash
# Compiles the extension, without linking, against the server headers of other PostgreSQL versions:
# compile-against.sh [VERSION:RELEASE…], where RELEASE is the Debian release that packages this VERSION.
set -euo pipefail
# shellcheck source=scripts/lib.sh
. "$(dirname "$0")/lib.sh"
# shellcheck source=scripts/debian.sh
. "$(dirname "$0")/debian.sh"

compile() {
    local version=$1 release=$2 folder=$ROOT/build/server-$1 headers
    headers=$folder/usr/include/postgresql/$version/server
    if ! [ -d "$headers" ]; then
        rm -rf "$folder"
        mkdir -p "$folder"
        from_release deb "$release" "$folder" download "postgresql-server-dev-$version" || return 1
        dpkg-deb --extract "$folder"/postgresql-server-dev-*.deb "$folder"
        rm -rf "$folder"/*.deb "$folder/apt"
    fi
    make -s -C "$ROOT" -j"$(nproc)" objects includedir_server="$headers" OBJDIR="build/server-$version/objects"
}

targets=("$@")
[ "${#targets[@]}" -gt 0 ] || targets=(17:trixie 18:sid)
status=0
for target in "${targets[@]}"; do
    if compile "${target%:*}" "${target#*:}"; then
        say "PostgreSQL ${target%:*}: compiles"
    else
        say "PostgreSQL ${target%:*}: FAILED"
        status=1
    fi
done
exit "$status"
