#!/usr/bin/env bash
# Runs every test. Installs what is missing when it may (root on Debian), otherwise says what is missing.
set -euo pipefail
cd "$(dirname "$0")/.."

say() { printf '\n== %s\n' "$*"; }

missing=()
command -v chromium >/dev/null || missing+=(chromium)
# What the pages say, in pictures too: without them the browser draws boxes.
fonts=$(fc-list 2>/dev/null || true)
[[ $fonts == *NotoSansCJK* ]] || missing+=(fonts-noto-cjk)
[[ $fonts == *NotoColorEmoji* ]] || missing+=(fonts-noto-color-emoji)
command -v curl >/dev/null || missing+=(curl)
python3 -c 'import ensurepip' 2>/dev/null || missing+=(python3-venv)
command -v redis-server >/dev/null || missing+=(redis-server)
compgen -G '/usr/lib/postgresql/*/bin/initdb' >/dev/null || command -v initdb >/dev/null || missing+=(postgresql)
PATH=$PATH:/usr/sbin command -v nginx >/dev/null || missing+=(nginx)
# Of Prometheus only promtool is wanted, which reads config/alerts.yml.
command -v promtool >/dev/null || missing+=(prometheus)
if [ ${#missing[@]} -gt 0 ]; then
  if [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null; then
    say "installing ${missing[*]}"
    apt-get update -qq
    # No package may start a service: where the administrator has not said so, we say it for as long as this takes.
    policy=/usr/sbin/policy-rc.d
    if [ ! -e "$policy" ]; then
      printf '#!/bin/sh\nexit 101\n' >"$policy"
      chmod +x "$policy"
      trap 'rm -f "$policy"' EXIT
    fi
    DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends "${missing[@]}" >/dev/null
    if [ -n "$(trap -p EXIT)" ]; then
      rm -f "$policy"
      trap - EXIT
    fi
  else
    say "missing: ${missing[*]}. As root: apt-get install ${missing[*]}. The tests that need them are skipped until then."
  fi
fi

say "pages"
make --no-print-directory pages
(cd web && npm test)

say "rust"
cargo test --workspace

# Small and not optimized: that it runs, not how fast. It takes no other build of what it needs.
say "the bench of the public log"
cargo test --workspace --bench log -- --leaves 1000 --json

# From here on it is the programs that the tests were built with: what they depend on is optimized, which is quick enough, and a release build
# would take as long as all that follows. The pages of the browser are in them.
bin=$PWD/target/debug
load() { "$bin/loadtest" "$@" --binary "$bin/apricot" --json; }

say "the checker, the load generator and the server"
load rush --spawn --stock 300 --demand 100
load rush --spawn --stock 100 --demand 1000

say "50 kills in a rush"
load rush --spawn --stock 300 --demand 20 --kill 50

say "money goes back, a cap is reached, a sponsor's pool is drained, the server is killed: everything is recomputed from the public log"
load rush --spawn --stock 300 --demand 20 --refunds --matches --kill 5

say "two nodes on PostgreSQL and Redis"
load rush --spawn --nodes 2 --scale-out --stock 300 --demand 100

say "what breaks in a rush over two nodes (make chaos: all of it)"
load chaos --quick

# Two files at a time: they wait more than they work.
say "a browser buys"
(cd tests/browser && npm ci --no-audit --no-fund && APRICOT_BIN="$bin/apricot" node --test --test-concurrency=2)

say "other people's clients"
(cd tests/clients && npm ci --no-audit --no-fund && APRICOT_BIN="$bin/apricot" node --test)

# Last, because it leaves programs behind that can be told to do wrong.
say "a broken gate is caught, also over two nodes"
tests/sabotage.sh
