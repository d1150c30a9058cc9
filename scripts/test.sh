#!/usr/bin/env bash
# Checks and tests everything, the compiled program included. The last line says how it went.
#   scripts/test.sh          all of it, in less than ten minutes on two cores; installs what it needs:
#                            packages, Python with AutoGen (.venv), Go, a C compiler, Chromium, zsh
#                            and fish (by apt-get on Debian)
#   scripts/test.sh --quick  checks, unit tests and the integration tests that are named below, in
#                            less than a minute
# A failure does not end the run. Each check counts as one test.
set -euo pipefail

root="$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd -P)"
cd "$root"

case "${1-}" in
  "") is_quick=no ;;
  --quick) is_quick=yes ;;
  *)
    echo "Usage: scripts/test.sh [--quick]" >&2
    exit 2
    ;;
esac

# Folders of test/ with tests that are not unit tests: they run the compiled program.
whole_program=(package integration faults interop examples browser soak history)
# The integration tests of a quick run.
quick_integration=(test/integration/cli-usage.test.ts test/integration/start-smart-home.test.ts)
# Beyond this, something hangs.
suite_limit_s=540

passed=0
failed=0
failures=()
reports="$(mktemp -d)"
trap 'rm -rf "$reports"' EXIT

# fail NAME [COUNT]
fail() {
  failed=$((failed + ${2-1}))
  failures+=("$1")
}

# check NAME COMMAND...: one test, passed when the command succeeds; its output is shown when not.
check() {
  local name="$1" start="$SECONDS"
  shift
  if "$@" >"$reports/check.log" 2>&1; then
    passed=$((passed + 1))
    echo "ok      $name ($((SECONDS - start)) s)"
  else
    fail "$name"
    cat "$reports/check.log"
    echo "FAILED  $name"
  fi
}

# attribute FILE NAME: of the report's root element.
attribute() {
  sed -n "s/.*<testsuites .* $2=\"\([0-9]*\)\".*/\1/p" "$1" | head -n 1
}

# suite NAME PATH...: the tests of files and folders, in one run of the test runner.
suite() {
  local name="$1" start="$SECONDS" report="$reports/junit.xml" log="$reports/suite.log"
  local path files code=0 tests bad skipped ran
  local -a paths=() limit=()
  shift
  for path in "$@"; do
    if [ -z "$(find "$path" -name '*.test.ts' -print -quit 2>/dev/null)" ]; then
      echo "FAILED  $name: no tests in $path"
      fail "$name"
      return
    fi
    paths+=("./$path")
  done
  if command -v timeout >/dev/null 2>&1; then
    limit=(timeout -k 10 "$suite_limit_s")
  fi
  rm -f "$report"
  ${limit[@]+"${limit[@]}"} bun test --timeout 30000 --reporter=junit --reporter-outfile="$report" \
    "${paths[@]}" >"$log" 2>&1 || code=$?

  if [ ! -s "$report" ]; then
    # A test that ends the runner's process, or a hang; even with exit code 0 nothing was shown.
    cat "$log"
    echo "FAILED  $name: the test runner ended with code $code and no report"
    fail "$name"
    return
  fi
  tests="$(attribute "$report" tests)"
  bad="$(attribute "$report" failures)"
  # A skipped test shows nothing, so it does not pass.
  skipped="$(attribute "$report" skipped)"
  bad=$((bad + skipped))
  passed=$((passed + tests - bad))
  # A file that cannot be loaded is missing in the report.
  files="$(find "${paths[@]}" -name '*.test.ts' | wc -l)"
  ran="$(sed -n 's/.*<testsuite .*file="\([^"]*\)".*/\1/p' "$report" | sort -u | wc -l)"
  bad=$((bad + files - ran))
  if [ "$bad" -eq 0 ] && [ "$code" -ne 0 ]; then
    bad=1
  fi
  if [ "$bad" -eq 0 ]; then
    echo "ok      $name: $tests tests ($((SECONDS - start)) s)"
  else
    grep -v '^(pass)' "$log" || true
    echo "FAILED  $name: $bad of $tests tests"
    fail "$name" "$bad"
  fi
}

finish() {
  if [ "$failed" -gt 0 ]; then
    printf '\nFailed:\n'
    printf '  %s\n' "${failures[@]}"
  fi
  printf '\n%s passed, %s failed\n' "$passed" "$failed"
  [ "$failed" -eq 0 ] || exit 1
}

prepare_python() {
  # "import venv" alone says too little: Debian splits ensurepip off.
  if ! python3 -c 'import venv, ensurepip' 2>/dev/null; then
    apt_install python3 python3-venv || return 1
  fi
  test/interop/python/setup.sh
}

# The test of the build makes a repository.
prepare_git() {
  if ! command -v git >/dev/null 2>&1; then
    apt_install git || return 1
  fi
  git --version
}

# The tests of tracing build OpenTelemetry's collector from its modules; an older Go fetches the one it needs.
prepare_go() {
  if ! command -v go >/dev/null 2>&1; then
    apt_install golang-go || return 1
  fi
  (cd test/kit/collector && go mod download)
}

# The tests of completion press the tab key in each.
prepare_shells() {
  if ! command -v zsh >/dev/null 2>&1 || ! command -v fish >/dev/null 2>&1; then
    apt_install zsh fish || return 1
  fi
  zsh --version && fish --version
}

# The test of power loss records what a process does to its disk by a small library in C.
prepare_compiler() {
  if ! command -v cc >/dev/null 2>&1; then
    apt_install gcc libc6-dev || return 1
  fi
  cc --version
}

prepare_chromium() {
  if ! command -v chromium >/dev/null 2>&1; then
    apt_install chromium || return 1
  fi
  chromium --version --no-sandbox
}

# Types of every TypeScript project but those that install packages of their own.
check_types() {
  local config code=0
  for config in tsconfig.json $(find src agents -name tsconfig.json -not -path '*/node_modules/*'); do
    bun --bun run tsc --noEmit --project "$config" || code=1
  done
  return "$code"
}

# Nothing can be checked without these two, so here a failure ends the run.
# shellcheck source=scripts/ensure-bun.sh
if ! source scripts/ensure-bun.sh; then
  fail "Bun"
  finish
fi
# shellcheck source=scripts/install-packages.sh
source scripts/install-packages.sh
if ! install_packages; then
  fail "packages"
  finish
fi

unit=()
for folder in test/*/; do
  folder="${folder%/}"
  case " ${whole_program[*]} " in
    *" ${folder#test/} "*) ;;
    *) [ -z "$(find "$folder" -name '*.test.ts' -print -quit)" ] || unit+=("$folder") ;;
  esac
done

check "generated code is current" scripts/generate.sh --check
check "format and lint" bun --bun run biome check --colors=off --error-on-warnings .
check "types" check_types
check "import directions" scripts/check-structure.sh
check "build" scripts/build.sh
suite "unit tests" "${unit[@]}"

if [ "$is_quick" = yes ]; then
  suite "integration tests, the quick ones" "${quick_integration[@]}"
else
  check "git" prepare_git
  check "Python with AutoGen" prepare_python
  check "Go" prepare_go
  check "C compiler" prepare_compiler
  check "Chromium" prepare_chromium
  check "zsh and fish" prepare_shells
  for folder in "${whole_program[@]}"; do
    suite "$folder tests" "test/$folder"
  done
fi
finish
