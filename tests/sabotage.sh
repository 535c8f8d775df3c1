#!/usr/bin/env bash
# Builds the program with deliberate faults and shows that the checker catches each: a checker that never fails proves nothing. Not optimized: the
# faults are the same, and the build is a quarter of the time.
set -euo pipefail
cd "$(dirname "$0")/.."

cargo build -p apricot --features sabotage --bin apricot-sabotaged

expect() {
  local fault=$1 finding=$2 report
  shift 2
  if report=$(target/release/loadtest rush --spawn --stock 200 --demand 20 --json \
      --binary target/debug/apricot-sabotaged --sabotage "$fault" "$@"); then
    echo "the checker found nothing wrong with a build that does '$fault' $*" >&2
    exit 1
  fi
  echo "$report" | grep -Eq "\"$finding\":[1-9]" || {
    echo "the checker did not name '$finding' for a build that does '$fault' $*: $report" >&2
    exit 1
  }
  echo "$fault $*: caught as $finding"
}

expect oversell oversold
expect lose lost
expect double double_effects

expect oversell oversold --nodes 2 --scale-out
expect lose lost --nodes 2 --scale-out
