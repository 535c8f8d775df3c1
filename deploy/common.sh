# Shared by cluster.sh and roll.sh. `folder` is that of the cluster.

say() { printf '%s\n' "$*" >&2; }
fail() { say "cluster: $*"; exit 1; }

# A process that has ended and was not waited for yet is not alive.
alive() {
  [ -n "$1" ] || return 1
  if [ -d /proc/self ]; then
    [ -d "/proc/$1" ] && ! grep -qs '^State:[[:space:]]*Z' "/proc/$1/status"
  else
    kill -0 "$1" 2>/dev/null
  fi
}

pid_of() { cat "$folder/$1/pid" 2>/dev/null || true; }
port_of() { cat "$folder/$1/port"; }

# Starts a program in the background, out of reach of the terminal's Ctrl-C, and remembers its pid: start NAME COMMAND...
start() {
  local name=$1
  shift
  setsid "$@" >>"$folder/$name/log" 2>&1 </dev/null &
  echo $! >"$folder/$name/pid"
  # Its end is noticed by what needs it.
  disown
}

# Tries until it succeeds, at most 30 s: await NAME WHAT COMMAND...
await() {
  local name=$1 what=$2 tries=300
  shift 2
  until "$@" >/dev/null 2>&1; do
    alive "$(pid_of "$name")" || fail "$name ended before $what; the end of its log:
$(tail -n 12 "$folder/$name/log")"
    tries=$((tries - 1))
    [ $tries -gt 0 ] || fail "$name: $what took more than 30 s; its log is $folder/$name/log"
    sleep 0.1
  done
}

# stop NAME SIGNAL SECONDS: then it is killed.
stop() {
  local name=$1 signal=$2 tries=$(($3 * 10)) pid
  pid=$(pid_of "$name")
  alive "$pid" || return 0
  kill "-$signal" "$pid" 2>/dev/null || true
  while alive "$pid"; do
    tries=$((tries - 1))
    if [ $tries -le 0 ]; then
      say "  $name did not stop in $3 s and is killed"
      kill -KILL "$pid" 2>/dev/null || true
      tries=50
    fi
    sleep 0.1
  done
}

answers() { curl -fsS --max-time 3 "http://127.0.0.1:$(port_of "$1")$2"; }

start_node() {
  local demo=()
  if [ "$1" = node-1 ] && [ -e "$folder/demo" ]; then demo=(--demo); fi
  start "$1" "$(cat "$folder/program")" serve --config "$folder/$1/apricot.toml" "${demo[@]}"
}

# Longer than drain_seconds of the nodes' configuration.
stop_node() { stop "$1" TERM 25; }
await_node() { await "$1" "it was ready" answers "$1" /readyz; }
