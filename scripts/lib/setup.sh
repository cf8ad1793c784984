# Sourced by the scripts beside it: finds or installs what they need, or says in one sentence what is missing.

ROOT=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)

BUILD_PACKAGES=(pkg-config libnghttp2-dev zlib1g-dev libssl-dev libprotobuf-c-dev libdeflate-dev libzstd-dev liblz4-dev
  libcurl4-openssl-dev libyaml-dev libre2-dev)
TEST_PACKAGES=(python3 python3-venv curl nghttp2-client openssl prometheus clickhouse-server)

say() { printf '%s\n' "$*" >&2; }
die() { say "error: $*"; exit 1; }

# install_packages NAME...: installs those Debian packages that are not there yet.
install_packages() {
  local missing=() name
  for name in "$@"; do
    [ "$(dpkg-query -W -f='${db:Status-Abbrev}' "$name" 2>/dev/null)" = "ii " ] || missing+=("$name")
  done
  [ ${#missing[@]} -eq 0 ] && return
  command -v apt-get >/dev/null || die "these Debian packages are missing and apt-get is not here to install them: ${missing[*]}"
  local as_root=()
  if [ "$(id -u)" -ne 0 ]; then
    command -v sudo >/dev/null || die "run this as root (or install sudo) to install: ${missing[*]}"
    as_root=(sudo)
  fi
  say "installing ${missing[*]}"
  # A daemon that a package brings along (prometheus) must not start by itself.
  local policy=/usr/sbin/policy-rc.d made_policy=""
  if [ ! -e "$policy" ]; then
    printf '#!/bin/sh\nexit 101\n' | "${as_root[@]}" tee "$policy" >/dev/null
    "${as_root[@]}" chmod +x "$policy"
    made_policy=1
  fi
  local status=0
  { "${as_root[@]}" apt-get update -qq &&
    "${as_root[@]}" env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends "${missing[@]}"
  } >"${TMPDIR:-/tmp}/otelcol-apt.log" 2>&1 || status=$?
  [ -z "$made_policy" ] || "${as_root[@]}" rm -f "$policy"
  [ "$status" -eq 0 ] || { tail -n 20 "${TMPDIR:-/tmp}/otelcol-apt.log" >&2; die "apt-get could not install: ${missing[*]}"; }
}

require_swift() {
  command -v swift >/dev/null ||
    die "Swift 6.3 or newer is needed and there is no 'swift' in PATH; see https://www.swift.org/install/linux/"
  local version major minor
  version=$(swift --version 2>/dev/null | sed -n 's/.*Swift version \([0-9]*\.[0-9]*\).*/\1/p' | head -n 1)
  major=${version%%.*} minor=${version#*.}
  if [ -z "$version" ] || [ "$major" -lt 6 ] || { [ "$major" -eq 6 ] && [ "$minor" -lt 3 ]; }; then
    die "Swift 6.3 or newer is needed; 'swift --version' says ${version:-nothing}"
  fi
}

# python_environment FILE: a virtual environment in .build/python with the packages FILE lists; puts it first in PATH.
python_environment() {
  local directory="$ROOT/.build/python" wanted
  wanted=$(cat "$1" "${1%.txt}-nodeps.txt" | sha256sum | cut -d' ' -f1)
  if [ "$(cat "$directory/installed" 2>/dev/null)" != "$wanted" ]; then
    say "setting up Python packages for the tests"
    rm -rf "$directory"
    mkdir -p "$ROOT/.build"
    python3 -m venv "$directory" || die "python3 -m venv failed"
    local pip=("$directory/bin/pip" install --quiet --disable-pip-version-check)
    "${pip[@]}" -r "$1" || die "pip could not install what $1 lists"
    # Packages whose declared dependencies are of no use here.
    "${pip[@]}" --no-deps -r "${1%.txt}-nodeps.txt" || die "pip could not install what ${1%.txt}-nodeps.txt lists"
    printf '%s\n' "$wanted" >"$directory/installed"
  fi
  export PATH="$directory/bin:$PATH"
}
