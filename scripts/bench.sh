#!/usr/bin/env bash
# `make bench`: the figures of the README, on this machine. Each benchmark starts
# a throwaway PostgreSQL of default durability. Arguments name benchmarks.
set -uo pipefail
cd "$(dirname "$0")/.."
. scripts/need.sh
. scripts/postgres.sh
work_folder
go build -trimpath -o "$WORK/standfast" ./cmd/standfast || exit 1
need_postgres || exit 1
if [ $# = 0 ]; then set -- ledger import dashboard signin; fi
failed=0
for what in "$@"; do
	"$WORK/standfast" bench "$what" || failed=1
done
exit $failed
