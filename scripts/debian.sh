# Files from another Debian release, without touching the machine's package lists. Source it after lib.sh.
# shellcheck shell=bash

apt() { as_root env DEBIAN_FRONTEND=noninteractive apt-get -qq -o DPkg::Lock::Timeout=300 "$@" >/dev/null; }

# The address of Debian's archive that this machine is configured to use.
debian_mirror() {
    apt-get indextargets --format '$(LABEL) $(REPO_URI)' 'Created-By: Packages' | sed -n 's/^Debian //p' | sort -u | head -n 1
}

# from_release TYPE RELEASE FOLDER COMMAND…: runs an apt-get command that downloads into FOLDER, with deb or deb-src
# lists of RELEASE. What arrives is checked with Debian's keys. Fails when there is no mirror or no such file.
from_release() {
    local type=$1 release=$2 folder=$3 mirror keyring=/usr/share/keyrings/debian-archive-keyring.gpg
    shift 3
    mirror=$(debian_mirror)
    if [ -z "$mirror" ]; then
        apt update || return 1
        mirror=$(debian_mirror)
    fi
    if [ -z "$mirror" ]; then
        say "This machine has no mirror of Debian configured." >&2
        return 1
    fi
    mkdir -p "$folder/apt"/{lists,cache}/partial
    echo "$type [signed-by=$keyring] $mirror $release main" >"$folder/apt/release.list"
    # A mirror of a past day serves lists whose date is over. Their signature still counts, and our callers check the
    # version of what they get, so an old list can't smuggle in anything.
    local options=(-qq -o Acquire::Check-Valid-Until=false -o Dir::Etc::sourcelist="$folder/apt/release.list" -o Dir::Etc::sourceparts=-
        -o Dir::State::Lists="$folder/apt/lists" -o Dir::Cache="$folder/apt/cache" -o APT::Sandbox::User=)
    if ! (cd "$folder" && apt-get "${options[@]}" update && apt-get "${options[@]}" "$@") >"$folder/apt/log" 2>&1; then
        tail -n 3 "$folder/apt/log" >&2
        return 1
    fi
}
