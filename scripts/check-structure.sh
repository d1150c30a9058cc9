#!/usr/bin/env bash
# Fails on an import against the rules of .dependency-cruiser.mjs.
#   scripts/check-structure.sh [FOLDER]   checks FOLDER (default: this repository)
set -euo pipefail

root="$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)"
# shellcheck source=scripts/ensure-bun.sh
source "$root/scripts/ensure-bun.sh"
cd "${1:-$root}"

folders=()
for folder in src agents examples bench test; do
  if [ -d "$folder" ]; then
    folders+=("$folder")
  fi
done

report="$(mktemp)"
trap 'rm -f "$report"' EXIT
status=0
# --bun: the tool refuses older versions of Node.js, and Bun is here anyway.
bun --bun node_modules/dependency-cruiser/bin/dependency-cruiser.mjs \
  --config .dependency-cruiser.mjs --output-type err-long "${folders[@]}" >"$report" 2>&1 || status=$?
cat "$report"

# Without a TypeScript that it understands, the tool sees no .ts file and finds no fault.
modules="$(sed -n 's/.*[( ]\([0-9][0-9]*\) modules.*/\1/p' "$report" | tail -n 1)"
files="$(find "${folders[@]}" -name '*.ts' \
  -not -path '*/node_modules/*' -not -path 'bench/peers/nats/*' -not -path 'bench/peers/mqtt/*' | wc -l)"
if [ "$status" -eq 0 ] && [ "${modules:-0}" -lt "$files" ]; then
  echo "dependency-cruiser saw ${modules:-0} modules, but there are $files TypeScript files." >&2
  exit 1
fi
exit "$status"
