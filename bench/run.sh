#!/usr/bin/env bash
# The benchmark: sets up agentrt and its peers, measures them, prints the table and, after a full
# run, writes docs/benchmarks.md. Flags go to bench/run.ts:
#   --runs N         how often each piece of work is measured (5)
#   --seconds N      aim for the length of one measured stretch (2)
#   --only NAME      a group (oneway, fanout, many, rpc, durable, autogen, priority, memory, growth,
#                    start) or one piece of work of it; may be repeated
#   --scale F        multiplies every count, to see in seconds whether it works (1)
#   --output FILE    writes the report there; --json FILE writes all measurements
set -euo pipefail

nats_server_version="v2.15.2"
root="$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)"
cd "$root"

# shellcheck source=scripts/ensure-bun.sh
source scripts/ensure-bun.sh

prepare_agentrt() {
  scripts/build.sh >&2
  BENCH_AGENTRT="$root/dist/agentrt"
}

# The newest version that Go's module proxy has, pinned; where Go is missing or too old, Debian's package.
prepare_nats() {
  bun install --frozen-lockfile --silent --cwd bench/peers/nats
  local folder="$root/.build/nats-server-$nats_server_version"
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
  BENCH_NATS_SERVER="$(debian_server nats-server)"
}

prepare_mosquitto() {
  bun install --frozen-lockfile --silent --cwd bench/peers/mqtt
  BENCH_MOSQUITTO="$(debian_server mosquitto)"
}

# debian_server PACKAGE: the path of the server of that name, installed when it is missing.
debian_server() {
  local path="$PATH:/usr/sbin"
  PATH="$path" command -v "$1" || { apt_install "$1" && PATH="$path" command -v "$1"; }
}

prepare_autogen() {
  test/interop/python/setup.sh >&2
  BENCH_PYTHON="$root/.venv/bin/python"
}

prepare_agentrt
prepare_nats
prepare_mosquitto
prepare_autogen
export BENCH_AGENTRT BENCH_NATS_SERVER BENCH_MOSQUITTO BENCH_PYTHON
exec bun bench/run.ts "$@"
