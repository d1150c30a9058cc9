#!/usr/bin/env bash
# Compiles the program to one file that needs nothing else.
#   scripts/build.sh          dist/agentrt for this machine; nothing to do when it is up to date
#   scripts/build.sh --all    also dist/agentrt-TARGET for every target, and dist/SHA256SUMS
set -euo pipefail

targets=(linux-x64 linux-arm64 darwin-arm64 darwin-x64 windows-x64)

root="$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd -P)"
cd "$root"
# shellcheck source=scripts/ensure-bun.sh
source scripts/ensure-bun.sh
# shellcheck source=scripts/install-packages.sh
source scripts/install-packages.sh

case "${1-}" in
  "" | --all) ;;
  *)
    echo "Usage: scripts/build.sh [--all]" >&2
    exit 2
    ;;
esac

# The commit that the sources are, "-dirty" when they differ from it.
commit_id() {
  local top id
  # A copy of the sources inside somebody else's repository must not claim that one's commit.
  top="$(git rev-parse --show-toplevel 2>/dev/null || true)"
  if [ "$top" != "$root" ] || ! id="$(git rev-parse --short=12 --verify --quiet HEAD)"; then
    echo unknown
    return
  fi
  if [ -n "$(git status --porcelain 2>/dev/null)" ]; then
    id="$id-dirty"
  fi
  echo "$id"
}

sha256() {
  if command -v sha256sum >/dev/null 2>&1; then
    sha256sum "$@"
  else
    shasum -a 256 "$@"
  fi
}

# Changes when anything changes that the program is made of.
fingerprint() {
  {
    echo "$commit $(bun --version)"
    find src agents -type f -print0 | LC_ALL=C sort -z | xargs -0 cat -- 
    find src agents -type f | LC_ALL=C sort
    cat package.json bun.lock tsconfig.json scripts/build.sh scripts/write-package.ts
  } | sha256 | cut -d ' ' -f 1
}

# The API as files of its own, for agentrt types and agentrt test. Made anew only when it
# changes, because to bundle declarations takes as long as all else.
embed_api() {
  local wanted
  wanted="$(
    {
      find src -type f -not -path 'src/cli/*' -not -path 'src/status/*' -print0 |
        LC_ALL=C sort -z | xargs -0 cat --
      cat bun.lock tsconfig.json scripts/write-package.ts
    } | sha256 | cut -d ' ' -f 1
  )"
  if [ "$(cat .build/embedded-fingerprint 2>/dev/null || true)" != "$wanted" ]; then
    rm -rf .build/embedded && mkdir -p .build
    bun scripts/write-package.ts embedded .build/embedded >.build/embedded-log 2>&1 || {
      cat .build/embedded-log >&2
      echo "Could not make the API's own files." >&2
      exit 1
    }
    echo "$wanted" >.build/embedded-fingerprint
  fi
}

# The target that is this machine, as Bun names it.
own_target() {
  bun -e 'console.log(`bun-${process.platform}-${process.arch}`)'
}

# compile FILE [bun's target]: written aside and moved, so that a file in use is never half a program.
compile() {
  local file="$1" target="${2-}" aside bytecode=()
  aside="$(mktemp -d dist/.compile.XXXXXX)"
  if [ -z "$target" ] || [ "$target" = "$(own_target)" ]; then
    bytecode=(--bytecode --format=esm)
  fi
  # shellcheck disable=SC2064
  trap "rm -rf '$aside'" EXIT
  # Identifiers keep their names: stack traces then name functions too, and the file hardly grows.
  # A .env or bunfig.toml that happens to lie in the folder of a user must not change the program.
  # Split: the heavy parts are loaded only when a role runs, which halves the time of --version.
  # Parsed while it is built, for this machine only: of another one's engine the bytecode may crash it
  # (Bun issue 24144). It halves the time of --version again, and a host starts with a smaller heap.
  # What runs while it starts is seldom worth compiling: src/cli/full-speed.ts ends that.
  # The package.json files beside a user's agents are read: without them no package is found there.
  bun build src/main.ts src/isolated-thread.ts src/store-thread.ts --compile --splitting \
    --minify-syntax --minify-whitespace --sourcemap --compile-jit-policy=100 \
    --no-compile-autoload-dotenv --no-compile-autoload-bunfig --compile-autoload-package-json \
    --asset=.build/embedded --define "AGENTRT_COMMIT=\"$commit\"" \
    ${target:+--target="$target"} ${bytecode[@]+"${bytecode[@]}"} \
    --outfile "$aside/$(basename "$file")" >"$aside/log" 2>&1 || {
    cat "$aside/log" >&2
    echo "Could not compile $file." >&2
    exit 1
  }
  mv -f "$aside/$(basename "$file")" "$file"
  rm -rf "$aside"
  trap - EXIT
  echo "$file ($(($(wc -c <"$file") / 1048576)) MiB, commit $commit)"
}

install_packages
mkdir -p dist
commit="$(commit_id)"
wanted="$(fingerprint)"

if [ -x dist/agentrt ] && [ "$(cat dist/.fingerprint 2>/dev/null || true)" = "$wanted" ]; then
  echo "dist/agentrt is up to date."
else
  rm -f dist/.fingerprint
  embed_api
  compile dist/agentrt
  echo "$wanted" >dist/.fingerprint
fi

if [ "${1-}" = --all ]; then
  files=()
  for target in "${targets[@]}"; do
    file="agentrt-$target"
    if [ "${target%%-*}" = windows ]; then
      file="$file.exe"
    fi
    compile "dist/$file" "bun-$target"
    files+=("$file")
  done
  (cd dist && sha256 "${files[@]}" >SHA256SUMS)
  echo dist/SHA256SUMS
fi
