# Sourced by the other scripts: puts Bun on PATH, at the exact version that package.json pins.
# A Bun of another version is left alone and not used; the right one then goes to .bun/.
# shellcheck shell=bash

ensure_bun() {
  local root version local_bin
  root="$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)"
  version="$(sed -n 's/.*"packageManager": *"bun@\([0-9][0-9.]*\)".*/\1/p' "$root/package.json")"
  if [ -z "$version" ]; then
    echo "package.json pins no Bun version: its packageManager must be bun@VERSION." >&2
    return 1
  fi

  if is_bun "$version" bun; then
    return 0
  fi
  local_bin="$root/.bun/bin"
  if ! is_bun "$version" "$local_bin/bun"; then
    install_bun "$version" "$root/.bun" || return 1
  fi
  export PATH="$local_bin:$PATH"
  hash -r
}

is_bun() {
  command -v "$2" >/dev/null 2>&1 && [ "$("$2" --version 2>/dev/null || true)" = "$1" ]
}

# install_bun VERSION FOLDER: makes FOLDER/bin/bun.
install_bun() {
  local version="$1" folder="$2" candidate
  ensure_npm || return 1
  echo "Installing Bun $version ..." >&2
  mkdir -p "$folder/bin"
  printf '{"name":"agentrt-bun","private":true}\n' >"$folder/package.json"
  # Without the install script, which npm 11 does not run unasked: all it does is to find the
  # executable among the packages for platforms, and that is what the loop below does.
  if ! npm install --prefix "$folder" --ignore-scripts --no-audit --no-fund --loglevel=error \
    --save-exact "bun@$version" >&2; then
    echo "npm could not install bun@$version. Check the network and npm's registry setting, then try again." >&2
    return 1
  fi
  for candidate in "$folder"/node_modules/@oven/bun-*/bin/bun; do
    chmod +x "$candidate" 2>/dev/null || true
    if is_bun "$version" "$candidate"; then
      ln -sf "$candidate" "$folder/bin/bun"
      ln -sf bun "$folder/bin/bunx"
      return 0
    fi
  done
  echo "npm installed bun@$version to $folder, but no Bun there runs on this machine ($(uname -sm))." >&2
  return 1
}

ensure_npm() {
  if command -v npm >/dev/null 2>&1; then
    return 0
  fi
  if command -v apt-get >/dev/null 2>&1; then
    echo "Installing Node.js and npm, which fetch Bun ..." >&2
    apt_install nodejs npm && return 0
  fi
  echo "Bun is not installed, and neither is npm to fetch it. Install either one, then try again." >&2
  return 1
}

# apt_install PACKAGE...: Debian's packages, as root or through sudo; a mirror that hiccups is asked again.
apt_install() {
  local -a as_root=()
  if [ "$(id -u)" -ne 0 ]; then
    if ! command -v sudo >/dev/null 2>&1; then
      echo "Installing $* needs root. Run as root: apt-get install $*" >&2
      return 1
    fi
    as_root=(sudo)
  fi
  local attempt
  for attempt in 1 2 3; do
    if "${as_root[@]}" apt-get update -qq >&2 &&
      "${as_root[@]}" env DEBIAN_FRONTEND=noninteractive \
        apt-get install -y -qq --no-install-recommends "$@" >&2; then
      return 0
    fi
    echo "apt-get failed (attempt $attempt of 3)." >&2
    sleep "$((attempt * 2))"
  done
  return 1
}

ensure_bun
