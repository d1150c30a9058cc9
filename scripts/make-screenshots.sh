#!/usr/bin/env bash
# Makes the pictures of the documentation anew, docs/screenshots/*.png, from the compiled program in
# real Chromium. Takes a minute and a half, because the charts must fill.
#   scripts/make-screenshots.sh
set -euo pipefail

root="$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd -P)"
cd "$root"
# shellcheck source=scripts/ensure-bun.sh
source scripts/ensure-bun.sh

if [ "$#" -gt 0 ]; then
  echo "Usage: scripts/make-screenshots.sh" >&2
  exit 2
fi

if ! command -v chromium >/dev/null 2>&1; then
  apt_install chromium
fi
# Without it the picture of the Chinese page shows boxes.
if command -v fc-list >/dev/null 2>&1 && [ -z "$(fc-list :lang=zh)" ]; then
  apt_install fonts-noto-cjk
fi
scripts/build.sh
bun scripts/make-screenshots.ts docs/screenshots
