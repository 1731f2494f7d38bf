#!/usr/bin/env bash
# Runs every fuzz target of the tree for FUZZTIME each, and every property with
# CHECKS cases drawn anew. Inputs that break one are kept in its testdata and
# belong into the tree with the repair.
set -uo pipefail
cd "$(dirname "$0")/.."
n=0 bad=0
while IFS=: read -r file target; do
	n=$((n + 1))
	echo "== $target ($(dirname "$file"))"
	go test -run '^$' -fuzz "^$target\$" -fuzztime "${FUZZTIME:-10s}" "./$(dirname "$file")" || bad=$((bad + 1))
done < <(grep -rHoE --include='*_test.go' '^func Fuzz[A-Za-z0-9_]+' internal | sed 's/:func /:/')
for package in $(grep -rl --include='*_test.go' 'pgregory.net/rapid' internal | xargs -n1 dirname | sort -u); do
	n=$((n + 1))
	echo "== properties ($package)"
	RAPID_SEED=0 RAPID_CHECKS=${CHECKS:-300} go test -count=1 -timeout 60m "./$package" || bad=$((bad + 1))
done
echo "fuzz: $((n - bad)) targets passed, $bad failed"
[ "$bad" = 0 ]
