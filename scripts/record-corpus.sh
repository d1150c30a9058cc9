#!/usr/bin/env bash
# Adds to test/corpus what the program of now says or stores, as a folder beside those of older
# versions, which are never changed.
#   scripts/record-corpus.sh frames   test/corpus/frames/N: messages of the two gRPC services; needs
#                                     Python, for AutoGen's own worker
#   scripts/record-corpus.sh data     test/corpus/data/N: data folders of a host and a worker
set -euo pipefail

root="$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd -P)"
cd "$root"
# shellcheck source=scripts/ensure-bun.sh
source scripts/ensure-bun.sh

case "$*" in
  frames | data) ;;
  *)
    echo "Usage: scripts/record-corpus.sh frames|data" >&2
    exit 2
    ;;
esac

scripts/build.sh
bun scripts/record-corpus.ts "$1"
