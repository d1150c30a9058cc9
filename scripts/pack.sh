#!/usr/bin/env bash
# Makes dist/agentrt-VERSION.tgz, the API as an npm package for Bun and for Node.js 20 or newer.
#   scripts/pack.sh [FOLDER]   where the tarball goes (default: dist); its path is the last line
set -euo pipefail

root="$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd -P)"
target="$(mkdir -p "${1:-$root/dist}" && cd "${1:-$root/dist}" && pwd -P)"
cd "$root"
# shellcheck source=scripts/ensure-bun.sh
source scripts/ensure-bun.sh
# shellcheck source=scripts/install-packages.sh
source scripts/install-packages.sh
install_packages

package="$(mktemp -d)"
trap 'rm -rf "$package"' EXIT
bun scripts/write-package.ts package "$package"
if command -v npm >/dev/null 2>&1; then
  tarball="$(cd "$package" && npm pack --silent --pack-destination "$target" | tail -n 1)"
else
  tarball="$(cd "$package" && bun pm pack --quiet --destination "$target" | tail -n 1)"
fi
echo "$target/$(basename "$tarball")"
