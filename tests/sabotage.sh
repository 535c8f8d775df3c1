#!/usr/bin/env bash
# Builds the program with deliberate faults and shows that the checker catches each: a checker that never fails proves nothing. Not optimized: the
# faults are the same, and the build is a quarter of the time.
set -euo pipefail
cd "$(dirname "$0")/.."

# With a bench and a test come the programs of their packages; built with the workspace's tests, whose dependencies are compiled already.
cargo test --workspace --features apricot/sabotage --bench log --test floor --no-run

# What the checker names, with commas between.
expect() {
  local fault=$1 findings=$2 finding report
  shift 2
  if report=$(target/debug/loadtest rush --spawn --stock 200 --demand 20 --json \
      --binary target/debug/apricot-sabotaged --sabotage "$fault" "$@"); then
    echo "the checker found nothing wrong with a build that does '$fault' $*" >&2
    exit 1
  fi
  for finding in ${findings//,/ }; do
    echo "$report" | grep -Eq "\"$finding\":[1-9]" || {
      echo "the checker did not name '$finding' for a build that does '$fault' $*: $report" >&2
      exit 1
    }
  done
  echo "$fault $*: caught as $findings"
}

expect oversell oversold
expect lose lost
# The log has the line twice too, and whoever recounts it says so.
expect double double_effects,recomputed_total_differs

expect oversell oversold --nodes 2 --scale-out
expect lose lost --nodes 2 --scale-out
