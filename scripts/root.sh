# shellcheck shell=bash disable=SC2016
# Where commands run: natively on Debian 13, else inside a private Debian 13 root.
#
# Sourced by ./dev, which sets `repo`. Offers
#   enter CMD...   runs the command there in place of this shell (exec: signals and exit code pass)
#
# The root is made once under the user's cache directory and named by a hash of the package lists, so a
# changed list makes a new root. It is filled in a directory of its own and renamed when complete: a root
# that exists is whole. Every entry has a mount namespace of its own, which ends with the command; nothing
# on the host changes but the cache directory.

cache="${XDG_CACHE_HOME:-$HOME/.cache}/sidekick"
root_format=1  # raise when the steps below change, not only the lists
packages_lists=("$repo/packaging/packages.txt" "$repo/packaging/packages-test.txt")

say() { printf '%s\n' "./dev: $*" >&2; }
fail() { say "$*"; exit 1; }

packages() { sed -e 's/#.*//' -e '/^[[:space:]]*$/d' "${packages_lists[@]}"; }
packages_hash() { { echo "$root_format"; packages | sort; } | sha256sum | cut -c1-12; }

on_debian_13() { [[ "$( . /etc/os-release 2>/dev/null && echo "${ID:-}${VERSION_ID:-}")" == debian13 ]]; }

# The environment that both ways share. Compilations from different clones share one ccache.
build_environment() {
  export LANG=C.UTF-8 LC_ALL=C.UTF-8
  export CCACHE_DIR="${CCACHE_DIR:-$cache/ccache}" CCACHE_NOHASHDIR=1 CCACHE_BASEDIR="$repo"
  export PYTHONDONTWRITEBYTECODE=1
  export SK_CACHE="$cache/shared"  # what commands keep for the next time, whatever the root
  mkdir -p "$CCACHE_DIR" "$SK_CACHE"
}

# --- natively -----------------------------------------------------------------------------------------

install_natively() {
  local stamp=/etc/sidekick-packages missing
  [[ "$(cat "$stamp" 2>/dev/null)" == "$(packages_hash)" ]] && return  # also true inside our own root
  missing=$(comm -23 <(packages | sort -u) \
    <(dpkg-query -W -f '${db:Status-Abbrev}${Package}\n' | sed -n 's/^ii *//p' | sort -u))
  [[ -z "$missing" ]] && return
  local as_root=()
  if (( EUID != 0 )); then
    command -v sudo >/dev/null || fail "these packages are missing, install them as root: ${missing//$'\n'/ }"
    as_root=(sudo)
  fi
  say "installing ${missing//$'\n'/ }"
  "${as_root[@]}" apt-get update -q >&2
  # shellcheck disable=SC2086
  "${as_root[@]}" env DEBIAN_FRONTEND=noninteractive apt-get install -yq --no-install-recommends $missing >&2 \
    || fail "apt-get could not install the packages above"
}

# --- in a private root --------------------------------------------------------------------------------

# The Debian mirror that this host uses itself, or nothing: then mmdebstrap takes its default.
host_mirror() {
  command -v apt-get >/dev/null || return 0
  apt-get indextargets --format '$(ORIGIN) $(LABEL) $(REPO_URI)' 'Created-By: Packages' 2>/dev/null \
    | awk '$1 == "Debian" && $2 == "Debian" { print $3; exit }'
}

# Without root, a user namespace in which this user is root; the user's subordinate ids are the other users.
namespace_of_user=()
if (( EUID != 0 )); then namespace_of_user=(unshare --user --map-root-user --map-auto --); fi

have_user_namespace() {
  (( EUID == 0 )) && return
  command -v newuidmap >/dev/null || fail "without root, newuidmap is needed: have root install the package uidmap"
  "${namespace_of_user[@]}" true 2>/dev/null \
    || fail "the kernel refuses user namespaces, or $USER has no line in /etc/subuid and /etc/subgid: run as root"
}

# mmdebstrap maps root to the first subordinate id, we map it to the user: each owner moves down by one. In
# ascending order, so that no file is moved twice.
readonly shift_owners='
find "$1" -printf "%U %G\n" | sort -nu -k1,1 -k2,2 | while read -r user group; do
  if [ "$user" -gt 0 ]; then
    find "$1" -uid "$user" -gid "$group" -exec chown -h "$((user - 1)):$((group - 1))" {} +
  fi
done'

have_mmdebstrap() {
  command -v mmdebstrap >/dev/null && return
  command -v apt-get >/dev/null \
    || fail "this host is neither Debian 13 nor has mmdebstrap to make a Debian 13 root: install mmdebstrap"
  (( EUID == 0 )) || fail "mmdebstrap is missing: apt-get install mmdebstrap (as root), then try again"
  say "installing mmdebstrap"
  { apt-get update -q && apt-get install -yq --no-install-recommends mmdebstrap debian-archive-keyring; } >&2 \
    || fail "apt-get could not install mmdebstrap"
}

make_root() {
  local root=$1 mode=root building mirror keyring=()
  have_user_namespace
  have_mmdebstrap
  (( EUID == 0 )) || mode=unshare
  building=$root.building.$$
  mirror=$(host_mirror)
  [[ -r /usr/share/keyrings/debian-archive-keyring.gpg ]] \
    && keyring=(--keyring=/usr/share/keyrings/debian-archive-keyring.gpg)
  say "making a Debian 13 root in $root (once; a few minutes)"
  # No documentation, no recommends, no fsync; no PostgreSQL cluster of the system's; no daemon starts.
  if ! mmdebstrap --mode="$mode" --variant=minbase --format=directory "${keyring[@]}" \
    --aptopt='APT::Install-Recommends "false"' --aptopt='Acquire::Languages "none"' \
    --aptopt='Acquire::Retries "3"' --dpkgopt=force-unsafe-io \
    --dpkgopt='path-exclude=/usr/share/doc/*' --dpkgopt='path-exclude=/usr/share/man/*' \
    --dpkgopt='path-exclude=/usr/share/locale/*' --dpkgopt='path-exclude=/usr/share/info/*' \
    --essential-hook='mkdir -p "$1/etc/postgresql-common" && echo create_main_cluster=false >"$1/etc/postgresql-common/createcluster.conf"' \
    --customize-hook='printf "#!/bin/sh\nexit 101\n" >"$1/usr/sbin/policy-rc.d" && chmod 755 "$1/usr/sbin/policy-rc.d"' \
    --customize-hook="echo $(packages_hash) >\"\$1/etc/sidekick-packages\"" \
    --include="$(packages | paste -sd,)" trixie "$building" ${mirror:+"$mirror"} \
    >"$cache/root.log" 2>&1
  then
    tail -n 15 "$cache/root.log" >&2
    "${namespace_of_user[@]}" rm -rf --one-file-system "$building" 2>/dev/null
    fail "the Debian 13 root could not be made; the whole log is $cache/root.log"
  fi
  (( EUID == 0 )) || "${namespace_of_user[@]}" sh -c "$shift_owners" shift "$building"
  mv "$building" "$root"
  say "the root is ready ($(du -sh "$root" 2>/dev/null | cut -f1))"
}

# Prints the path of the root and makes it when it is missing; of two callers at once one makes it.
find_root() {
  local root
  root=$cache/root-$(packages_hash)
  mkdir -p "$cache/home" "$cache/ccache"
  if [[ ! -d $root ]]; then
    exec 9>"$cache/root.lock"
    flock 9
    "${namespace_of_user[@]}" rm -rf --one-file-system "$cache"/root-*.building.*  # of makers that were interrupted
    [[ -d $root ]] || make_root "$root" 9>&-
    exec 9>&-
  fi
  printf '%s\n' "$root"
}

# Runs inside the new mount namespace, as its root user: builds the view, moves into it, runs the command.
readonly inside_namespace='
set -e
root=$1 repo=$2 cache=$3 directory=$4 terraform=$5; shift 5
bind() {  # a directory or file of the host at the same or another place of the root
  if [ -d "$1" ]; then mkdir -p "$root$2"; else mkdir -p "$root${2%/*}"; [ -e "$root$2" ] || : >"$root$2"; fi
  mount --rbind "$1" "$root$2"
}
mount --bind "$root" "$root"
for place in /proc /sys /dev /tmp; do mount --rbind "$place" "$root$place"; done
for file in /etc/resolv.conf /etc/hosts; do
  if [ -e "$file" ]; then bind "$(readlink -f "$file")" "$file"; fi
done
bind "$cache/home" "$cache/home"
bind "$CCACHE_DIR" "$CCACHE_DIR"
bind "$SK_CACHE" "$SK_CACHE"
bind "$repo" "$repo"
if [ -n "$terraform" ]; then bind "$terraform" /usr/local/bin/terraform; fi
cd "$root"
mkdir -p .host
pivot_root . .host
cd /
umount -l /.host
cd "$directory" 2>/dev/null || cd "$repo"
exec "$@"'

enter_root() {
  local root terraform
  root=$(find_root) || exit 1
  terraform=$(command -v terraform || true)
  # What points at the host's own libraries and tools would mislead the compiler inside.
  unset LIBRARY_PATH LD_LIBRARY_PATH LD_PRELOAD CPATH C_INCLUDE_PATH CPLUS_INCLUDE_PATH PKG_CONFIG_PATH
  unset CC CXX PYTHONPATH PYTHONHOME VIRTUAL_ENV XDG_CACHE_HOME XDG_CONFIG_HOME XDG_RUNTIME_DIR TF_CLI_CONFIG_FILE
  # The terraform tests then fail instead of being skipped, should the program get lost on the way in.
  [[ -z "$terraform" ]] || export SIDEKICK_HOST_TERRAFORM=$terraform
  export HOME=$cache/home PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin
  exec "${namespace_of_user[@]}" unshare --mount --propagation private -- \
    /bin/sh -c "$inside_namespace" enter "$root" "$repo" "$cache" "$PWD" "${terraform:+$(realpath "$terraform")}" "$@"
}

enter() {
  build_environment
  if on_debian_13; then
    install_natively
    exec "$@"
  fi
  [[ $(uname -s) == Linux ]] || fail "Sidekick builds on Linux: Debian 13, or any Linux that can make a Debian 13 root"
  command -v unshare >/dev/null || fail "unshare is missing: install util-linux"
  enter_root "$@"
}
