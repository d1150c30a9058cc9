# Sourced by the other scripts, after ensure-bun.sh, in the repository's root.
# shellcheck shell=bash

# Brings node_modules to what bun.lock says.
install_packages() {
  local log
  log="$(mktemp)"
  if ! bun install --frozen-lockfile >"$log" 2>&1; then
    cat "$log" >&2
    rm -f "$log"
    echo "bun install failed. Check the network and the registry setting, then try again." >&2
    return 1
  fi
  rm -f "$log"
}
