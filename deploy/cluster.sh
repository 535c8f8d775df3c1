#!/usr/bin/env bash
# Many nodes on one machine, to try them: PostgreSQL, Redis, the payment provider, the nodes and nginx in front, all on free ports and in a folder that
# is removed at the end. Ctrl-C stops everything.
#
#   NODES=2     how many nodes
#   CLUSTER=1   a Redis Cluster of three primaries instead of one Redis
#   DEMO=0      without the demo room
#   PORT=8080   of nginx; otherwise a free one
#   EXTRA=FILE  more of the nodes' configuration, such as config/load.toml
#   INSTALL=0   installs nothing, also as root
#   KEEP=1      keeps the folder with the logs
#   APRICOT     the program; otherwise target/release/apricot
set -euo pipefail
cd "$(dirname "$0")/.."
. deploy/common.sh

nodes=${NODES:-2}
cluster=${CLUSTER:-0}
target=${CARGO_TARGET_DIR:-target}
apricot=${APRICOT:-$target/release/apricot}
[[ $nodes =~ ^[1-9]$ ]] || fail "NODES is 1 to 9, not $nodes"
[ -x "$apricot" ] || fail "$apricot is not there; run \`make cluster\`, which builds it"
apricot=$(realpath "$apricot")

postgres=
find_programs() {
  local path
  postgres=
  for path in $(ls -d /usr/lib/postgresql/*/bin 2>/dev/null | sort -rV) /usr/local/bin /usr/bin; do
    if [ -x "$path/initdb" ]; then
      postgres=$path
      break
    fi
  done
  PATH=$PATH:/usr/sbin:/usr/local/sbin
  missing=()
  [ -n "$postgres" ] || missing+=(postgresql)
  command -v redis-server >/dev/null || missing+=(redis-server)
  command -v redis-cli >/dev/null || missing+=(redis-tools)
  command -v nginx >/dev/null || missing+=(nginx)
  command -v curl >/dev/null || missing+=(curl)
}
find_programs
if [ ${#missing[@]} -gt 0 ] && [ "${INSTALL:-1}" != 0 ] && [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null; then
  say "installing ${missing[*]}"
  apt-get update -qq
  DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends "${missing[@]}" >/dev/null
  find_programs
fi
[ ${#missing[@]} -eq 0 ] || fail "missing: ${missing[*]}. As root on Debian: apt-get install ${missing[*]}"

folder=$(mktemp -d "${TMPDIR:-/tmp}/apricot-cluster.XXXXXX")
chmod 711 "$folder"
mkdir -p "$target"
pointer=$target/cluster
echo "$folder" >"$pointer"
echo "$apricot" >"$folder/program"
[ "${DEMO:-1}" = 0 ] || touch "$folder/demo"

clean_up() {
  local code=$? name
  trap '' INT TERM HUP
  # To the end, whatever fails: also on a full disk nothing is left running.
  set +e
  [ -e "$folder/up" ] && say "
stopping"
  rm -f "$folder/up"
  # The order matters: nodes say goodbye and need what is behind them for it.
  stop nginx QUIT 2 2>/dev/null
  for name in "${started[@]}"; do kill -TERM "$(pid_of "$name")" 2>/dev/null || true; done
  for name in "${started[@]}"; do stop_node "$name"; done
  stop provider TERM 10
  for name in "${redises[@]}"; do stop "$name" TERM 5; done
  stop postgres INT 10
  case ${KEEP:-}$code in
    0 | 130 | 143) rm -rf "$folder" ;;
    *) say "the logs are in $folder" ;;
  esac
  [ "$(cat "$pointer" 2>/dev/null)" != "$folder" ] || rm -f "$pointer"
  exit $code
}
started=()
redises=()
trap clean_up EXIT
trap 'exit 130' INT
trap 'exit 143' TERM HUP

# Below the ports that the system gives to clients, and so that a Redis Cluster's second port, 10000 higher, is one too.
taken=" "
free_port() {
  local try
  for try in $(seq 200); do
    port=$((10000 + RANDOM % 10000))
    case $taken in *" $port "*) continue ;; esac
    if ! (exec 9<>"/dev/tcp/127.0.0.1/$port") 2>/dev/null && ! (exec 9<>"/dev/tcp/127.0.0.1/$((port + 10000))") 2>/dev/null; then
      taken="$taken$port "
      return
    fi
  done
  fail "no free port was found"
}

# place NAME: its folder and its port.
place() {
  mkdir -p "$folder/$1"
  free_port
  echo "$port" >"$folder/$1/port"
}

secret() { od -An -N16 -tx1 /dev/urandom | tr -d ' \n'; }
umask 077
mkdir "$folder/secrets"
secret >"$folder/secrets/postgres"
secret >"$folder/secrets/redis"

# PostgreSQL refuses to run as root.
as_postgres=()
if [ "$(id -u)" = 0 ]; then as_postgres=(setpriv --reuid=postgres --regid=postgres --init-groups); fi

start_postgres() {
  local home
  place postgres
  home=$folder/postgres
  cp "$folder/secrets/postgres" "$home/password"
  [ ${#as_postgres[@]} -eq 0 ] || chown -R postgres "$home"
  (cd "$home" && "${as_postgres[@]}" "$postgres/initdb" -D "$home/data" -U apricot --pwfile "$home/password" -A scram-sha-256 -E UTF8 --locale=C) \
    >"$folder/initdb.log" 2>&1 || fail "initdb: $(tail -n 3 "$folder/initdb.log")"
  (cd "$home" && start postgres "${as_postgres[@]}" "$postgres/postgres" -D "$home/data" -p "$port" -k "$home" -c listen_addresses=127.0.0.1)
  await postgres "it answered" "$postgres/pg_isready" -q -h 127.0.0.1 -p "$port"
  PGPASSWORD=$(cat "$folder/secrets/postgres") "$postgres/createdb" -h 127.0.0.1 -p "$port" -U apricot apricot
  say "  PostgreSQL on port $port"
}

redis() {
  local name=$1
  shift
  REDISCLI_AUTH=$(cat "$folder/secrets/redis") redis-cli -p "$(port_of "$name")" "$@"
}

# Keeps nothing over a restart: what was in it is made again from PostgreSQL.
start_redis() {
  local name=$1 home=$folder/$1 more=()
  place "$name"
  redises+=("$name")
  [ "$cluster" = 0 ] || more=(cluster-enabled yes)
  {
    echo "port $port"
    echo "bind 127.0.0.1"
    echo "dir $home"
    echo 'save ""'
    echo "appendonly no"
    echo "maxmemory-policy noeviction"
    echo "requirepass $(cat "$folder/secrets/redis")"
    echo "masterauth $(cat "$folder/secrets/redis")"
    echo "${more[*]}"
  } >"$home/redis.conf"
  start "$name" redis-server "$home/redis.conf"
  await "$name" "it answered" redis "$name" ping
}

start_redis_cluster() {
  local name addresses=()
  for name in redis-1 redis-2 redis-3; do
    start_redis "$name"
    addresses+=("127.0.0.1:$port")
  done
  redis redis-1 --cluster create "${addresses[@]}" --cluster-yes >"$folder/redis-cluster.log" 2>&1 ||
    fail "the Redis Cluster was not made: $(tail -n 3 "$folder/redis-cluster.log")"
  for name in redis-1 redis-2 redis-3; do
    await "$name" "the cluster was whole" sh -c "$(declare -f redis port_of); folder=$folder; redis $name cluster info | grep -q cluster_state:ok"
  done
  say "  Redis Cluster of three primaries on ports ${addresses[*]#*:}"
}

start_provider() {
  place provider
  start provider "$apricot" sandbox --listen "127.0.0.1:$port" --data "$folder/provider/data" --keys "$folder/keys" \
    --webhook "http://127.0.0.1:$(port_of nginx)/v1/payments/webhooks/sandbox"
  await provider "it answered" answers provider /healthz
  say "  payment provider on port $port"
}

configure_node() {
  local name=$1 urls mode=single redis_name
  place "$name"
  [ "$cluster" = 0 ] || mode=cluster
  urls=$(for redis_name in "${redises[@]}"; do printf '"redis://127.0.0.1:%s", ' "$(port_of "$redis_name")"; done)
  cat >"$folder/$name/apricot.toml" <<TOML
listen = "127.0.0.1:$port"
data = "$folder/$name/data"
drain_seconds = 20
[node]
name = "$name"
keys = "$folder/keys"
[provider]
url = "http://127.0.0.1:$(port_of provider)"
[postgres]
url = "postgresql://apricot@127.0.0.1:$(port_of postgres)/apricot"
password_file = "$folder/secrets/postgres"
[redis]
mode = "$mode"
urls = [${urls%, }]
password_file = "$folder/secrets/redis"
TOML
  [ -z "${EXTRA:-}" ] || cat "$EXTRA" >>"$folder/$name/apricot.toml"
}

configure_nginx() {
  local home=$folder/nginx name line servers=
  for name in "${started[@]}"; do
    servers="$servers        server 127.0.0.1:$(port_of "$name") max_fails=1 fail_timeout=1s;
"
  done
  while IFS= read -r line; do
    case $line in
      *"# [cluster] nodes") printf '%s' "$servers" ;;
      *"server node-"*) ;;
      *"pid nginx.pid"*) printf 'pid %s/nginx.pid;\n' "$home" ;;
      *"listen 8080"*) printf '        listen 127.0.0.1:%s backlog=4096;\n' "$(port_of nginx)" ;;
      *"server_tokens off"*)
        echo "$line"
        for name in client_body proxy fastcgi uwsgi scgi; do echo "    ${name}_temp_path $home/$name;"; done
        ;;
      # What this shell's user may open.
      *worker_rlimit_nofile*) printf 'worker_rlimit_nofile %s;\n' "$(ulimit -n)" ;;
      *) printf '%s\n' "$line" ;;
    esac
  done <config/nginx.conf >"$home/nginx.conf"
  # Its workers are another user's when root starts it.
  chmod 711 "$home"
  nginx -t -q -p "$home" -e "$home/log" -c "$home/nginx.conf" 2>>"$home/log" || fail "nginx refuses its configuration: $(tail -n 3 "$home/log")"
}

say "Apricot on $nodes nodes, in $folder"
if [ -n "${PORT:-}" ]; then
  mkdir "$folder/nginx"
  echo "$PORT" >"$folder/nginx/port"
else
  place nginx
fi
start_postgres
if [ "$cluster" = 0 ]; then
  start_redis redis
  say "  Redis on port $port"
else
  start_redis_cluster
fi
start_provider
for n in $(seq "$nodes"); do
  configure_node "node-$n"
done
"$apricot" migrate --config "$folder/node-1/apricot.toml" >"$folder/migrate.log" 2>&1 || fail "apricot migrate: $(tail -n 3 "$folder/migrate.log")"
say "  tables made"
for n in $(seq "$nodes"); do
  started+=("node-$n")
  start_node "node-$n"
  # One after the other: the first fills the demo.
  await_node "node-$n"
  say "  node-$n on port $(port_of "node-$n")"
done
configure_nginx
start nginx nginx -p "$folder/nginx" -e "$folder/nginx/log" -c "$folder/nginx/nginx.conf" -g "daemon off;"
await nginx "it answered" answers nginx /healthz
say "  nginx on port $(port_of nginx)"
touch "$folder/up"

base=http://127.0.0.1:$(port_of nginx)
if [ -e "$folder/demo" ]; then
  await node-1 "the demo was there" grep -q '^  ops ' "$folder/node-1/log"
  say "
Apricot is live with a demo room. Open one of these (each signs you in):
"
  grep -E '^  (viewer|host|ops) ' "$folder/node-1/log" | sed "s|http://127.0.0.1:$(port_of node-1)|$base|" >&2
fi
say "
  through nginx      $base
  a node itself      $(for name in "${started[@]}"; do printf 'http://127.0.0.1:%s ' "$(port_of "$name")"; done)(/readyz, /metrics)
  a token            $apricot token --config $folder/node-1/apricot.toml --role viewer --subject me
  deploy, rolling    make roll
  kill a node        kill -9 \$(cat $folder/node-1/pid)
  logs               $folder/node-1/log

Ctrl-C stops everything and removes the folder."
# For programs that started this one.
echo "{\"listening\":\"127.0.0.1:$(port_of nginx)\",\"folder\":\"$folder\"}"

# As systemd would: what ended by itself is started again.
gone=" "
while sleep 0.5; do
  for name in "${started[@]}" provider; do
    if ! alive "$(pid_of "$name")" && [ ! -e "$folder/$name/rolling" ]; then
      say "$name ended and is started again"
      if [ "$name" = provider ]; then
        start provider "$apricot" sandbox --listen "127.0.0.1:$(port_of provider)" --data "$folder/provider/data" --keys "$folder/keys" \
          --webhook "$base/v1/payments/webhooks/sandbox"
      else
        start_node "$name"
      fi
    fi
  done
  for name in "${redises[@]}" postgres nginx; do
    case $gone in *" $name "*) continue ;; esac
    if ! alive "$(pid_of "$name")"; then
      say "$name ended; its log is $folder/$name/log"
      gone="$gone$name "
    fi
  done
done
