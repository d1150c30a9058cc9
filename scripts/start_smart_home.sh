#!/usr/bin/env bash
# Builds the program if needed and runs the smart home: a host and four agents, each a process of
# its own. Ctrl-C stops all of them.
#
# Every AGENTRT_… setting reaches the processes; these three say where to find the home:
#   AGENTRT_LISTEN  the host, for workers   (default 127.0.0.1:50051)
#   AGENTRT_HTTP    the status page         (default 127.0.0.1:8080)
#   AGENTRT_UI      the home page           (default 127.0.0.1:8081)
# SMART_HOME_LOGS is the folder of the processes' logs (default: dist/logs in the repository).
set -euo pipefail

root="$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd -P)"
logs="${SMART_HOME_LOGS:-$root/dist/logs}"

# For the tests' sake there may be one, and the program would take it for a misspelt setting.
unset AGENTRT_BIN
export AGENTRT_LISTEN="${AGENTRT_LISTEN:-127.0.0.1:50051}"
export AGENTRT_HTTP="${AGENTRT_HTTP:-127.0.0.1:8080}"
export AGENTRT_UI="${AGENTRT_UI:-127.0.0.1:8081}"

# What this script waits for is logged at the level "info".
case "${AGENTRT_LOG_LEVEL-}" in
  trace | debug) ;;
  *) export AGENTRT_LOG_LEVEL=info ;;
esac

agents=(environment-agent device-agent security-agent ui-agent)
ready_within_s=60
# Longer than the program itself takes to give up a graceful stop.
stop_within_s=20

# The processes that were started: names and ids at the same index.
names=()
pids=()
is_stopping=no

start() {
  local name="$1"
  shift
  # Emptied here, not by the new process, which may come later than the first look into the log.
  : >"$logs/$name.log"
  # A process group for each, so that Ctrl-C in the terminal reaches this script alone, which then
  # stops the agents before the host.
  set -m
  "$root/dist/agentrt" --role "$name" --log-format json "$@" \
    </dev/null >>"$logs/$name.log" 2>&1 &
  pids+=("$!")
  set +m
  names+=("$name")
}

# log_value ROLE MESSAGE [PROPERTY]: true when the role logged the message; prints the property.
log_value() {
  local line
  line="$(grep -m 1 -F "\"message\":\"$2\"" "$logs/$1.log")" || return 1
  if [ "$#" -gt 2 ]; then
    printf '%s\n' "$line" | sed -n "s/.*\"$3\":\"\([^\"]*\)\".*/\1/p"
  fi
}

is_alive() {
  kill -0 "$1" 2>/dev/null
}

# Ends the script when a process has ended that nobody stopped.
check_all_alive() {
  local i status
  for i in "${!pids[@]}"; do
    if ! is_alive "${pids[$i]}"; then
      status=0
      wait "${pids[$i]}" || status=$?
      echo "${names[$i]} ended with code $status. Its last words, from $logs/${names[$i]}.log:" >&2
      tail -n 5 "$logs/${names[$i]}.log" >&2
      stop_all
      exit 1
    fi
  done
}

# wait_until_logged ROLE MESSAGE
wait_until_logged() {
  local deadline=$((SECONDS + ready_within_s))
  until log_value "$1" "$2"; do
    check_all_alive
    if [ "$SECONDS" -ge "$deadline" ]; then
      echo "$1 was not ready within $ready_within_s s. See $logs/$1.log." >&2
      stop_all
      exit 1
    fi
    sleep 0.1
  done
}

# stop PID...: asks them to stop, and kills those that do not.
stop() {
  local pid deadline=$((SECONDS + stop_within_s))
  for pid in "$@"; do
    kill -TERM "$pid" 2>/dev/null || true
  done
  for pid in "$@"; do
    while is_alive "$pid" && [ "$SECONDS" -lt "$deadline" ]; do
      sleep 0.1
    done
    if is_alive "$pid"; then
      kill -KILL "$pid" 2>/dev/null || true
    fi
    wait "$pid" 2>/dev/null || true
  done
}

# The agents first, so that they can still take leave of the host, which was started before them.
stop_all() {
  is_stopping=yes
  if [ "${#pids[@]}" -gt 1 ]; then
    stop "${pids[@]:1}"
  fi
  if [ "${#pids[@]}" -gt 0 ]; then
    stop "${pids[0]}"
  fi
  pids=()
  names=()
}

# on_signal: the first one stops in peace, a second one at once.
on_signal() {
  local pid
  if [ "$is_stopping" = yes ]; then
    for pid in ${pids[@]+"${pids[@]}"}; do
      kill -KILL "$pid" 2>/dev/null || true
    done
    return
  fi
  # Before anything is said: whoever reads it may send the second one at once.
  is_stopping=yes
  echo
  echo "Stopping the smart home ..."
  stop_all
  echo "Stopped."
  exit 0
}

trap on_signal INT TERM HUP
trap 'stop_all' EXIT

"$root/scripts/build.sh"
mkdir -p "$logs"

echo "Starting the smart home ..."
start host
wait_until_logged host "host ready"
status_page="$(log_value host "host ready" http)"
export AGENTRT_HOST_ADDRESS="${AGENTRT_HOST_ADDRESS:-$(log_value host "host ready" listen)}"

for agent in "${agents[@]}"; do
  start "$agent"
done
for agent in "${agents[@]}"; do
  wait_until_logged "$agent" "worker connected"
done
wait_until_logged ui-agent "ui ready"

echo
echo "  Home page    $(log_value ui-agent "ui ready" url)"
echo "  Status page  $status_page"
echo
echo "Logs are in $logs. Press Ctrl-C to stop everything."

while :; do
  check_all_alive
  sleep 0.3
done
