#!/bin/sh
# Fuzzes each decoder for a while, one after the other: fuzz/run.sh [seconds each]. One line per target; the exit code is 1 when one
# found something. What is found lies in fuzz/artifacts/<target>; add it to tests/decoders/seeds/<target> together with the fix.
set -u
cd "$(dirname "$0")" || exit 2
seconds=${1:-30}

case $seconds in
'' | *[!0-9]*)
    echo "usage: fuzz/run.sh [seconds each]" >&2
    exit 2
    ;;
esac
if ! cargo fuzz --version >/dev/null 2>&1; then
    echo "cargo-fuzz is missing; run: cargo install cargo-fuzz --locked (it needs a C++ compiler to build targets)" >&2
    exit 2
fi

# The coverage that guides the fuzzer is an unstable flag; this lets a stable compiler take it.
export RUSTC_BOOTSTRAP=1
# No sanitizer (-s none): those need a nightly compiler. They find misuse of memory, and the server's own code has no unsafe.
log=$(mktemp) || exit 2
trap 'rm -f "$log"' EXIT
if ! cargo fuzz build -s none >"$log" 2>&1; then
    cat "$log" >&2
    exit 2
fi

found=0
for target in $(cargo fuzz list); do
    mkdir -p "corpus/$target"
    # The first folder gathers inputs that reach something new, for the next run; seeds are only read.
    if cargo fuzz run "$target" -s none "corpus/$target" "../tests/decoders/seeds/$target" -- \
        -max_total_time="$seconds" -max_len=8192 -timeout=10 -rss_limit_mb=2048 -print_final_stats=1 >"$log" 2>&1; then
        runs=$(sed -n 's/^stat::number_of_executed_units: *//p' "$log")
        rate=$(sed -n 's/^stat::average_exec_per_sec: *//p' "$log")
        coverage=$(sed -n 's/.* cov: \([0-9]*\) .*/\1/p' "$log" | tail -n 1)
        echo "$target: nothing found in $runs runs, $rate/s, $coverage edges"
    else
        found=1
        panic=$(grep -m 1 -A 1 'panicked at' "$log" | tr '\n' ' ')
        artifact=$(sed -n 's/.*Test unit written to //p' "$log" | tail -n 1)
        echo "$target: FOUND ${panic:-$(tail -n 3 "$log" | tr '\n' ' ')} ${artifact:+(fuzz/artifacts/$target/${artifact##*/})}"
    fi
done
exit $found
