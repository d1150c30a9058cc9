#!/usr/bin/env bash
# The benchmark: sets up agentrt and its peers, measures them, prints the table and writes
# docs/benchmarks.md. Flags go to bench/run.ts: --runs N, --seconds N, --payload-bytes N, --output FILE;
# --only SETUP measures one setup (may be repeated) and writes nothing.
set -euo pipefail

nats_server_version="v2.15.2"
root="$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)"
cd "$root"

# shellcheck source=scripts/ensure-bun.sh
source scripts/ensure-bun.sh

prepare_agentrt() {
  bun install --frozen-lockfile --silent
  scripts/build.sh >&2
  BENCH_AGENTRT="$root/dist/agentrt"
}

# The pinned version through Go's module proxy; where Go is missing or too old, Debian's package.
prepare_nats() {
  bun install --frozen-lockfile --silent --cwd bench/peers/nats
  local folder="$root/bench/.cache/nats-server-$nats_server_version"
  BENCH_NATS_SERVER="$folder/nats-server"
  if [ -x "$BENCH_NATS_SERVER" ]; then
    return 0
  fi
  if command -v go >/dev/null 2>&1; then
    echo "Building nats-server $nats_server_version ..." >&2
    if GOBIN="$folder" go install "github.com/nats-io/nats-server/v2@$nats_server_version" >&2; then
      return 0
    fi
    echo "go install failed; Debian's nats-server will do." >&2
  fi
  BENCH_NATS_SERVER="$(PATH="$PATH:/usr/sbin" command -v nats-server || true)"
  if [ -z "$BENCH_NATS_SERVER" ]; then
    apt_install nats-server
    BENCH_NATS_SERVER="$(PATH="$PATH:/usr/sbin" command -v nats-server)"
  fi
}

prepare_autogen() {
  test/interop/python/setup.sh >&2
  BENCH_PYTHON="$root/.venv/bin/python"
}

prepare_agentrt
prepare_nats
prepare_autogen
export BENCH_AGENTRT BENCH_NATS_SERVER BENCH_PYTHON
exec bun bench/run.ts "$@"
