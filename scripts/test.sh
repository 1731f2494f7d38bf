#!/usr/bin/env bash
# `make test`: lint, then every test. The last line is "N passed, N failed, N skipped".
# PKGS narrows the tests ("./internal/core/ledger/..."), RUN is go test's -run.
set -uo pipefail
cd "$(dirname "$0")/.."
. scripts/need.sh
. scripts/postgres.sh

command -v go >/dev/null || { say "Go is not installed."; exit 1; }
# Built before the temporary files move: the build cache stays where it is.
work_folder
started=$(date +%s)

need_postgres && postgres_start
need_browser && { STANDFAST_TEST_CHROMIUM=$(browser_bin); export STANDFAST_TEST_CHROMIUM; }
if axe=$(need_axe); then export STANDFAST_TEST_AXE=$axe; fi

scripts/lint.sh | tee "$WORK/lint"
read -r lint_passed lint_failed < <(sed -n 's/^lint: \([0-9]*\) passed, \([0-9]*\) failed$/\1 \2/p' "$WORK/lint")

# A change is judged by the change and not by luck: properties draw the same cases
# each time. `make fuzz` draws others.
export RAPID_SEED=${RAPID_SEED:-20220401}

# The race detector costs a factor of five to ten, most of it in SQLite's
# translated code, so it watches the packages that share memory between
# goroutines, and of sign-in, which has four hundred tests, those that do.
race=()
if [ -z "${PKGS:-}" ] && ! command -v gcc >/dev/null; then
	say "There is no C compiler (gcc): the race detector does not run."
elif [ -z "${PKGS:-}" ]; then
	watch=(-race -short -count=1 -p 2 -timeout 25m)
	race=(-- "${watch[@]}" ./internal/token ./internal/text ./internal/core/{outbox,jobs,ledger,account,gather}
		-- "${watch[@]}" -run 'CodeCountsOnce|RedeemedOnce|SentAtOnce|CountedExactly|DoubleClick|Processes|RunKeeps|Hashes|FullHouse|Seats|ThreeAnswers|WithoutTheDatabase' ./internal/core/signin)
fi
# The longest first: the end-to-end tests wait more than they work, and beside them
# there is room for all the others.
longest=(./internal/e2e ./internal/core/signin)
go build -o "$WORK/gotest" ./scripts/gotest || exit 1
"$WORK/gotest" -also-passed "${lint_passed:-0}" -also-failed "${lint_failed:-1}" \
	-- -count=1 -p 2 -timeout 40m ${RUN:+-run "$RUN"} ${PKGS:-"${longest[@]}" ./...} "${race[@]}"
status=$?
exit $status
