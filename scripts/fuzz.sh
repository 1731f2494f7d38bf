#!/usr/bin/env bash
# Runs every fuzz target of the tree for FUZZTIME each. Inputs that break one
# are kept in its testdata/fuzz and belong into the tree with the repair.
set -uo pipefail
cd "$(dirname "$0")/.."
n=0 bad=0
while IFS=: read -r file target; do
	n=$((n + 1))
	echo "== $target ($(dirname "$file"))"
	go test -run '^$' -fuzz "^$target\$" -fuzztime "${FUZZTIME:-10s}" "./$(dirname "$file")" || bad=$((bad + 1))
done < <(grep -rHoE --include='*_test.go' '^func Fuzz[A-Za-z0-9_]+' internal | sed 's/:func /:/')
echo "fuzz: $((n - bad)) targets passed, $bad failed"
[ "$bad" = 0 ]
