#!/usr/bin/env bash
# The checks that need no test. Each is one line of the result; the last line of
# output is "lint: N passed, N failed", and the exit status follows it.
set -uo pipefail
cd "$(dirname "$0")/.."
passed=0 failed=0

check() { # name command...
	local name=$1 out
	shift
	if out=$("$@" 2>&1); then
		passed=$((passed + 1))
		printf 'ok    %s\n' "$name"
	else
		failed=$((failed + 1))
		printf 'FAIL  %s\n%s\n' "$name" "$out"
	fi
}

formatted() {
	local list
	list=$(gofmt -l cmd internal scripts)
	[ -z "$list" ] || { echo "run gofmt -w on:"; echo "$list"; return 1; }
}

# Generated files are committed, so that `go run` needs no tool; here they must
# be what the generator makes of their sources (whose paths from the root they name).
generated() {
	local copy
	[ -n "$(find internal -name '*.templ' -print -quit)" ] || return 0
	copy=$(mktemp -d) || return 1
	trap 'rm -rf "$copy"' RETURN
	find internal -name '*.templ' -o -name '*_templ.go' | while read -r f; do
		mkdir -p "$copy/$(dirname "$f")" && cp "$f" "$copy/$f"
	done
	go tool templ generate -path "$copy" >"$copy/log" 2>&1 || { cat "$copy/log"; return 1; }
	find internal -name '*_templ.go' | while read -r f; do
		cmp -s "$f" "$copy/$f" || echo "$f is not what its .templ gives; run make generate"
	done | tee "$copy/stale"
	find "$copy/internal" -name '*_templ.go' | while read -r f; do
		[ -f "internal/${f#"$copy"/internal/}" ] || echo "internal/${f#"$copy"/internal/} is missing; run make generate"
	done | tee -a "$copy/stale"
	[ ! -s "$copy/stale" ]
}

shell_syntax() {
	local f
	for f in .ci/run scripts/*.sh; do bash -n "$f" || return 1; done
}

check "gofmt" formatted
check "generated files" generated
check "shell syntax" shell_syntax
check "go vet" go vet ./...
check "staticcheck" go tool staticcheck ./...
printf 'lint: %d passed, %d failed\n' "$passed" "$failed"
[ "$failed" = 0 ]
