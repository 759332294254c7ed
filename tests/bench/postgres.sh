# shellcheck shell=bash disable=SC2154,SC2034 # The other half of the variables is in run.
#
# The PostgreSQL peer: sourced by run. A private cluster on a private socket and port, its settings
# chosen so that PostgreSQL does well, with full durability (fsync and synchronous_commit on).
#
# Uses from run: $work (a private directory), $port_postgres, $products, $users, $seconds, and the
# functions note, record, keep_command, install_packages, stop_on_exit, stop, fail.

postgres_bin=
postgres_user=

# PostgreSQL refuses to run as root, so root hands it to an unprivileged user.
as_postgres() {
    if [ -n "$postgres_user" ]; then
        (cd / && exec runuser -u "$postgres_user" -- "$@")
    else
        "$@"
    fi
}

postgres_install() {
    local no_cluster=/etc/postgresql-common/createcluster.d/dure-bench.conf
    find_postgres() { # The newest one that is installed; Debian keeps them out of the PATH.
        postgres_bin=$(printf '%s\n' /usr/lib/postgresql/*/bin/pgbench | sort -V | tail -1)
        postgres_bin=${postgres_bin%/pgbench}
        [ -x "$postgres_bin/initdb" ]
    }
    if ! find_postgres; then
        # The package would start a cluster of its own on the standard port; as root, that can be
        # prevented.
        if [ "$(id -u)" = 0 ]; then
            mkdir -p "${no_cluster%/*}"
            echo 'create_main_cluster = false' >"$no_cluster"
        fi
        install_packages postgresql
        rm -f "$no_cluster"
        find_postgres || fail "PostgreSQL could not be installed"
    fi
    if [ "$(id -u)" = 0 ]; then
        postgres_user=postgres
        id "$postgres_user" >/dev/null 2>&1 || postgres_user=nobody
    fi
}

postgres_start() {
    postgres_install
    postgres_dir=$work/postgres
    mkdir -p "$postgres_dir"
    if [ -n "$postgres_user" ]; then
        chmod 711 "$work"
        chown "$postgres_user" "$postgres_dir"
    fi
    as_postgres "$postgres_bin/initdb" -D "$postgres_dir/data" -U dure -A trust -E UTF8 \
        --locale=C >"$work/initdb.log" 2>&1
    cat >>"$postgres_dir/data/postgresql.conf" <<CONF
listen_addresses = '127.0.0.1'
port = $port_postgres
unix_socket_directories = '$postgres_dir'
max_connections = 100
fsync = on
synchronous_commit = on
full_page_writes = on
wal_sync_method = fdatasync
wal_level = minimal
max_wal_senders = 0
wal_buffers = 64MB
max_wal_size = 16GB
checkpoint_timeout = 30min
checkpoint_completion_target = 0.9
shared_buffers = 1GB
work_mem = 32MB
effective_cache_size = 4GB
random_page_cost = 1.1
jit = off
autovacuum_naptime = 5s
logging_collector = off
CONF
    as_postgres "$postgres_bin/postgres" -D "$postgres_dir/data" >"$work/postgres.log" 2>&1 &
    postgres_shell=$!
    local tries=0
    until as_postgres "$postgres_bin/pg_isready" -q -h "$postgres_dir" -p "$port_postgres"; do
        tries=$((tries + 1))
        if [ $tries -gt 100 ] || ! kill -0 $postgres_shell 2>/dev/null; then
            cat "$work/initdb.log" "$work/postgres.log" >&2
            fail "PostgreSQL did not start"
        fi
        sleep 0.2
    done
    # The postmaster itself, not the runuser in front of it.
    postgres_pid=$(head -1 "$postgres_dir/data/postmaster.pid")
    stop_on_exit "$postgres_pid" INT # "Fast" shutdown: closes the sessions.
    postgres_version=$(as_postgres "$postgres_bin/postgres" --version)
    postgres_sql -v products="$products" -v users="$users" -f - <"$here/peer.sql" >/dev/null
}

postgres_sql() {
    as_postgres "$postgres_bin/psql" -X -q -v ON_ERROR_STOP=1 -h "$postgres_dir" \
        -p "$port_postgres" -U dure -d postgres "$@"
}

postgres_stop() {
    stop "$postgres_pid" INT
    rm -rf "$postgres_dir"
}

# postgres_bench NAME CLIENTS ORDERS_PER_CALL SCRIPT: records orders per second and latencies.
postgres_bench() {
    local name=$1 clients=$2 factor=$3 script=$4 threads=2 out
    [ "$clients" -lt 2 ] && threads=1
    printf '%s\n' "$script" >"$postgres_dir/script.sql"
    chmod a+r "$postgres_dir/script.sql"
    # Each measurement begins with the same clean slate: no dead rows, no dirty pages to write back.
    postgres_sql -c 'TRUNCATE orders, deliveries, mypages, outbox' -c 'VACUUM FULL inventories' \
        -c 'VACUUM FULL pays' -c 'VACUUM ANALYZE' -c CHECKPOINT
    local command=("$postgres_bin/pgbench" -n -M prepared -h "$postgres_dir" -p "$port_postgres"
        -U dure -c "$clients" -j "$threads" -T "$seconds" -f "$postgres_dir/script.sql" postgres)
    keep_command "${command[@]}"
    printf '%s\n' "$script" | sed 's/^/    /' >>"$work/commands"
    out=$(as_postgres "${command[@]}" 2>"$work/pgbench.log") || {
        cat "$work/pgbench.log" >&2
        fail "pgbench failed: $name"
    }
    record "$name.per_second" "$(awk -v f="$factor" '/^tps/ { printf "%.0f", $3 * f }' <<<"$out")"
    record "$name.latency_ms" "$(awk '/^latency average/ { print $4 }' <<<"$out")"
}

# The same order by 1, 16 and 64 clients over all products, then all for one product.
postgres_measure() {
    local clients size
    local one="\\set u random(1, $users)
\\set p random(1, $products)
SELECT place_order(:p, 1, :u);"
    local hot="\\set u random(1, $users)
SELECT place_order(1, 1, :u);"
    for clients in 1 16 64; do
        note "PostgreSQL, one order a transaction, $clients clients"
        postgres_bench "pg.single.$clients" "$clients" 1 "$one"
    done
    note "PostgreSQL, all orders for one product, 64 clients"
    postgres_bench pg.hot.64 64 1 "$hot"
    for clients in 1 4; do
        for size in 100 1000; do
            note "PostgreSQL in bulk, $size orders a transaction, $clients clients"
            postgres_bench "pg.each.$size.$clients" "$clients" "$size" \
                "SELECT place_orders_each($size, $products, $users);"
            postgres_bench "pg.set.$size.$clients" "$clients" "$size" \
                "SELECT place_orders_set($size, $products, $users);"
        done
    done
}
