#!/bin/bash
# A Galera cluster of three MariaDB nodes on loopback. usage: galera.sh DIRECTORY PORT
# SQL listens on PORT to PORT+2, the cluster on PORT+10 to PORT+42. Everything is in DIRECTORY, the process ids in DIRECTORY/n?/pid.
BASE=${1:?directory for the nodes}
PORT=${2:?first of the ports}
AS=()
[ "$(id -u)" = 0 ] && AS=(--user=mysql)
CLUSTER=gcomm://127.0.0.1:$((PORT + 10)),127.0.0.1:$((PORT + 11)),127.0.0.1:$((PORT + 12))
start() { # number, further options
  n=$1
  shift
  d=$BASE/n$n
  mkdir -p "$d/data"
  mariadb-install-db --no-defaults "${AS[@]}" --datadir="$d/data" --auth-root-authentication-method=normal --skip-test-db >/dev/null 2>&1
  [ "$(id -u)" = 0 ] && chown -R mysql:mysql "$d"
  nohup mariadbd --no-defaults "${AS[@]}" --datadir="$d/data" --socket="$d/s.sock" --pid-file="$d/pid" \
    --port=$((PORT + n)) --bind-address=127.0.0.1 --log-error="$d/err.log" \
    --binlog-format=ROW --default-storage-engine=InnoDB --innodb-autoinc-lock-mode=2 --innodb-flush-log-at-trx-commit=2 \
    --innodb-buffer-pool-size=64M --character-set-server=utf8mb4 \
    --wsrep-on=ON --wsrep-provider="${GALERA:?the provider library}" --wsrep-cluster-name=nestjs-token --wsrep-cluster-address="$CLUSTER" \
    --wsrep-node-name="n$n" --wsrep-node-address="127.0.0.1:$((PORT + 10 + n))" \
    --wsrep-provider-options="gmcast.listen_addr=tcp://127.0.0.1:$((PORT + 10 + n));ist.recv_addr=127.0.0.1:$((PORT + 20 + n));gcache.size=64M" \
    --wsrep-sst-method=rsync --wsrep-sst-receive-address="127.0.0.1:$((PORT + 30 + n))" \
    "$@" >/dev/null 2>&1 </dev/null &
  for _ in $(seq 1 480); do
    state=$(mariadb --no-defaults -N -uroot -S "$d/s.sock" -e "SHOW STATUS LIKE 'wsrep_local_state_comment'" 2>/dev/null | cut -f2)
    [ "$state" = Synced ] && return 0
    sleep 0.25
  done
  tail -20 "$d/err.log"
  return 1
}
start 0 --wsrep-new-cluster && start 1 && start 2
