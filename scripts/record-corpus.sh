#!/usr/bin/env bash
# Adds to test/corpus what the program of now says on the wire, as a folder beside those of older
# versions, which are never changed. Needs Python, for AutoGen's own worker.
#   scripts/record-corpus.sh frames   test/corpus/frames/N: messages of the two gRPC services
set -euo pipefail

root="$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd -P)"
cd "$root"
# shellcheck source=scripts/ensure-bun.sh
source scripts/ensure-bun.sh

case "$*" in
  frames) ;;
  *)
    echo "Usage: scripts/record-corpus.sh frames" >&2
    exit 2
    ;;
esac

scripts/build.sh
bun scripts/record-corpus.ts "$1"
