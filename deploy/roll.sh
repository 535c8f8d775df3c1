#!/usr/bin/env bash
# A deploy in the middle of everything: each node of the running `make cluster` is told to stop, says goodbye to its viewers, ends, is started again and
# is waited for; then the next. Meanwhile a page is read through nginx again and again, and every answer but 200 is counted.
#
#   deploy/roll.sh [FOLDER]     of the cluster; otherwise the last one
#   PAUSE=2                     seconds between a node that is ready again and the next: longer than nginx leaves a node out that failed
set -euo pipefail
cd "$(dirname "$0")/.."
. deploy/common.sh

folder=${1:-$(cat "${CARGO_TARGET_DIR:-target}/cluster" 2>/dev/null || true)}
[ -n "$folder" ] && [ -e "$folder/up" ] || fail "no cluster runs; start one with \`make cluster\`"

read_on() {
  local asked=0 failed=0 url
  url=http://127.0.0.1:$(port_of nginx)/v1/rooms
  while [ -e "$folder/reading" ]; do
    asked=$((asked + 1))
    curl -fsS -o /dev/null --max-time 3 "$url" 2>>"$folder/roll.log" || failed=$((failed + 1))
    echo "$asked $failed" >"$folder/read"
  done
}

touch "$folder/reading"
read_on &
reader=$!
trap 'rm -f "$folder/reading" "$folder"/node-*/rolling' EXIT

next=
for home in "$folder"/node-*/; do
  name=$(basename "$home")
  [ -z "$next" ] || sleep "${PAUSE:-2}"
  next=yes
  touch "$home/rolling"
  began=$(date +%s%N)
  stop_node "$name"
  stopped=$(date +%s%N)
  start_node "$name"
  await_node "$name"
  rm "$home/rolling"
  say "  $name stopped in $(((stopped - began) / 1000000)) ms, ready again $((($(date +%s%N) - stopped) / 1000000)) ms later"
done

rm "$folder/reading"
wait "$reader"
read -r asked failed <"$folder/read"
say "  $asked pages were read meanwhile, $failed of them failed"
[ "$failed" = 0 ]
