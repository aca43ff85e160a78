# Runs the sample and zt forward for the checks beside this file, which source it. Job control, which they must turn on (set -m), gives each program its own
# process group with default signals, as in a terminal.
pids=()
out=$(mktemp)
sample_program=(dotnet samples/WebApi/bin/Debug/net10.0/WebApi.dll)

kill_all() {
  local pid
  for pid in "${pids[@]}"; do kill -KILL "$pid" 2>/dev/null; done
}

# wait_for FILE PATTERN PID: prints the first match; fails when the process ends or a minute passes.
wait_for() {
  local found
  for _ in $(seq 300); do
    found=$(grep -oE "$2" "$1" | head -1)
    [ -n "$found" ] && echo "$found" && return
    kill -0 "$3" 2>/dev/null || return 1
    sleep 0.2
  done
  return 1
}

# start_sample [NAME=VALUE...]: sets sample (its process) and url.
start_sample() {
  : > "$out"
  # The program itself, so that signals reach it and not its launcher.
  env --default-signal=INT ASPNETCORE_ENVIRONMENT=Development "$@" "${sample_program[@]}" > "$out" 2>&1 &
  sample=$!
  pids+=("$sample")
  url=$(wait_for "$out" 'get "http://[^ "]+' "$sample") || fail "the sample printed no URL, or ended by itself"
  url=${url#get \"}
}

# start_forward PORT URL: sets forward (its process) and local_url. Port 0 takes any.
start_forward() {
  local log host_port
  log=$(mktemp)
  host_port=$(sed -E 's#http://([^/]+).*#\1#' <<< "$2")
  dotnet src/ZeroTier.Cli/bin/Debug/net10.0/zt.dll forward "$1" "$host_port" > "$log" 2>&1 &
  forward=$!
  pids+=("$forward")
  local_url=$(wait_for "$log" 'http://127\.0\.0\.1:[0-9]+' "$forward") || fail "zt forward did not start: $(cat "$log")"
}
