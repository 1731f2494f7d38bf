#!/usr/bin/env bash
# `make bench`: the figures of the README, on this machine, with a throwaway
# PostgreSQL of default durability. Arguments go to `standfast bench`.
set -uo pipefail
cd "$(dirname "$0")/.."
. scripts/need.sh
. scripts/postgres.sh
work_folder
go build -trimpath -o "$WORK/standfast" ./cmd/standfast || exit 1
need_postgres && postgres_start
if [ $# = 0 ]; then set -- ledger import dashboard signin; fi
for what in "$@"; do
	"$WORK/standfast" bench "$what" || exit
done
