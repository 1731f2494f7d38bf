#!/usr/bin/env bash
# An edge gets its certificate from an authority by itself, over tls-alpn-01, from
# the test authority of Let's Encrypt (pebble); refuses a name that is not one of
# its own; and keeps its certificate when the authority is gone. Nothing outside
# this machine is asked but the Go module proxy, for pebble.
set -euo pipefail
cd "$(dirname "$0")/.."
PEBBLE=github.com/letsencrypt/pebble/v2/cmd
VERSION=v2.8.0
dir=$(mktemp -d)
pids=()
end() {
	for p in "${pids[@]}"; do kill "$p" 2>/dev/null || true; done
	rm -rf "$dir"
}
trap end EXIT

port() { # a free one below those that Linux hands out
	local p
	while p=$((12000 + RANDOM % 20000)); do
		(exec 3<>"/dev/tcp/127.0.0.1/$p") 2>/dev/null || { echo "$p"; return; }
	done
}
ca=$(port) manage=$(port) public=$(port) plain=$(port) admin=$(port) names=$(port) control=$(port)

GOBIN=$dir go install "$PEBBLE/pebble@$VERSION" "$PEBBLE/pebble-challtestsrv@$VERSION"
go build -o "$dir/standfast" ./cmd/standfast
openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 2 -subj /CN=localhost \
	-addext subjectAltName=DNS:localhost -keyout "$dir/ca.key" -out "$dir/ca.pem" 2>/dev/null
cat >"$dir/pebble.json" <<JSON
{"pebble": {"listenAddress": "127.0.0.1:$ca", "managementListenAddress": "127.0.0.1:$manage", "certificate": "$dir/ca.pem",
 "privateKey": "$dir/ca.key", "httpPort": $plain, "tlsPort": $public, "ocspResponderURL": "",
 "profiles": {"default": {"description": "a week", "validityPeriod": 604800}}}}
JSON
cat >"$dir/edge.toml" <<TOML
[listen]
public = "127.0.0.1:$public"
http = "127.0.0.1:$plain"
admin = "127.0.0.1:$admin"
[tls.acme]
folder = "acme"
directory = "https://localhost:$ca/dir"
email = "operations@example.com"
[[cells]]
name = "us"
hosts = ["my.example.com"]
telephone = "1 800 555 0100"
[[cells.builds]]
name = "core"
url = "http://127.0.0.1:1"
TOML

# Names lead here, and nobody else's ports are taken.
"$dir/pebble-challtestsrv" -defaultIPv4 127.0.0.1 -defaultIPv6 "" -http01 "" -https01 "" -tlsalpn01 "" -doh "" \
	-dns01 "127.0.0.1:$names" -management "127.0.0.1:$control" >"$dir/names.log" 2>&1 &
pids+=($!)
PEBBLE_VA_NOSLEEP=1 "$dir/pebble" -config "$dir/pebble.json" -dnsserver "127.0.0.1:$names" >"$dir/pebble.log" 2>&1 &
pebble=$!
pids+=("$pebble")
for _ in $(seq 100); do
	curl -sfk -o /dev/null "https://localhost:$ca/dir" && break
	sleep 0.1
done

edge() {
	SSL_CERT_FILE=$dir/ca.pem "$dir/standfast" edge --config "$dir/edge.toml" >>"$dir/edge.log" 2>&1 &
	edge=$!
	pids+=("$edge")
	for _ in $(seq 100); do
		curl -sf -o /dev/null "http://127.0.0.1:$admin/readyz" && return
		sleep 0.1
	done
	cat "$dir/edge.log" >&2
	return 1
}
ask() { # status and protocol of the edge's answer under a name; 000 where it gives no certificate
	curl -sk --max-time 30 -o /dev/null -w '%{http_code} HTTP/%{http_version}' --resolve "$1:$public:127.0.0.1" "https://$1:$public/" || true
}
expect() { # what, got, wanted
	if [[ $2 != "$3" ]]; then
		echo "FAIL  $1: $2, wanted $3" >&2
		tail -n 20 "$dir/pebble.log" "$dir/edge.log" >&2
		exit 1
	fi
	echo "ok    $1"
}
issuer() {
	openssl s_client -connect "127.0.0.1:$public" -servername my.example.com </dev/null 2>/dev/null | openssl x509 -noout -issuer
}

edge
expect "a name of ours has a certificate (behind it nothing runs: 503)" "$(ask my.example.com)" "503 HTTP/2"
expect "it is the authority's" "$(issuer | grep -c 'Pebble Intermediate')" 1
expect "another name has none" "$(ask other.example.com)" "000 HTTP/0"
kill "$edge" "$pebble"
wait "$edge" "$pebble" 2>/dev/null || true
edge
expect "it is kept when the authority is gone" "$(ask my.example.com)" "503 HTTP/2"
