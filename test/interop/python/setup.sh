#!/bin/sh
# Makes .venv at the repository's root with AutoGen in it, for the interoperability tests.
# Does nothing when the environment is there and requirements.txt has not changed since.
set -eu

here=$(CDPATH='' cd -- "$(dirname -- "$0")" && pwd)
root=$(CDPATH='' cd -- "$here/../../.." && pwd)
venv="$root/.venv"
stamp="$venv/.requirements.sha256"
python=${PYTHON:-python3}

if ! command -v "$python" >/dev/null 2>&1; then
  echo "setup: $python is not installed. On Debian: apt-get install python3 python3-venv" >&2
  exit 1
fi

# The interpreter belongs to the stamp: wheels of one Python do not load in another.
wanted=$("$python" - "$here/requirements.txt" <<'PY'
import hashlib, pathlib, sys
text = pathlib.Path(sys.argv[1]).read_bytes()
print(hashlib.sha256(text + sys.version.encode()).hexdigest())
PY
)
if [ -x "$venv/bin/python" ] && [ "$(cat "$stamp" 2>/dev/null || true)" = "$wanted" ]; then
  exit 0
fi

rm -rf "$venv"
if ! "$python" -m venv "$venv"; then
  rm -rf "$venv"
  echo "setup: $python cannot make a virtual environment. On Debian: apt-get install python3-venv" >&2
  exit 1
fi
"$venv/bin/python" -m pip install --quiet --disable-pip-version-check --only-binary=:all: \
  --requirement "$here/requirements.txt"
# Written last, so that an interrupted installation is done again.
printf '%s\n' "$wanted" >"$stamp"
