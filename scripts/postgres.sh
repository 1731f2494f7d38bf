# Sourced by the other scripts: one throwaway PostgreSQL with the durability it
# has by default (fsync and synchronous_commit on), on a free port of loopback.
# needs: need.sh, and WORK, a folder that is removed at the end.

# as_postgres sets AS_POSTGRES, the words before a command that make it run as a
# user who may run a server (it refuses root) and die with this shell, however
# this shell ends.
as_postgres() {
	AS_POSTGRES=(setpriv --pdeathsig QUIT)
	[ "$(id -u)" = 0 ] || return 0
	local user=nobody
	id -u postgres >/dev/null 2>&1 && user=postgres
	chown "$user:" "$WORK/postgres"
	AS_POSTGRES+=(--reuid "$user" --regid "$(id -g "$user")" --clear-groups)
}

free_port() {
	local p
	while :; do
		p=$((20000 + RANDOM % 12000))
		(exec 3<>"/dev/tcp/127.0.0.1/$p") 2>/dev/null || { echo "$p"; return; }
	done
}

# postgres_start sets POSTGRES_PID and exports STANDFAST_TEST_POSTGRES.
postgres_start() {
	local bin data=$WORK/postgres/data port
	bin=$(postgres_bin) || return 1
	mkdir -p "$WORK/postgres"
	as_postgres
	(cd "$WORK/postgres" && "${AS_POSTGRES[@]}" "$bin/initdb" -D "$data" -U postgres -A trust -E UTF8 --locale=C.UTF-8 --no-sync >initdb.log 2>&1) ||
		{ say "initdb failed:"; cat "$WORK/postgres/initdb.log" >&2; return 1; }
	port=$(free_port)
	cd "$WORK/postgres"
	"${AS_POSTGRES[@]}" "$bin/postgres" -D "$data" -p "$port" -c listen_addresses=127.0.0.1 -c unix_socket_directories= \
		-c max_connections=400 >"$WORK/postgres.log" 2>&1 &
	POSTGRES_PID=$!
	cd "$OLDPWD"
	export STANDFAST_TEST_POSTGRES="postgres://postgres@127.0.0.1:$port/postgres?sslmode=disable"
	for _ in $(seq 300); do
		"$bin/pg_isready" -q -h 127.0.0.1 -p "$port" && return 0
		kill -0 "$POSTGRES_PID" 2>/dev/null || break
		sleep 0.1
	done
	say "PostgreSQL did not start:"
	tail -20 "$WORK/postgres.log" >&2
	unset STANDFAST_TEST_POSTGRES
	return 1
}

postgres_stop() {
	[ -n "${POSTGRES_PID:-}" ] || return 0
	kill -QUIT "$POSTGRES_PID" 2>/dev/null || true
	wait "$POSTGRES_PID" 2>/dev/null || true
	POSTGRES_PID=
}

# work_folder makes WORK, uses it for all temporary files, and sees to it that
# it and the server are gone at the end, also after an interrupt.
work_folder() {
	WORK=$(mktemp -d "${TMPDIR:-/tmp}/standfast-XXXXXX")
	chmod 755 "$WORK" # the server's user passes through it
	export WORK TMPDIR=$WORK
	trap 'postgres_stop; rm -rf "$WORK"' EXIT
	trap 'exit 130' INT
	trap 'exit 143' TERM HUP
}
