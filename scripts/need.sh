# Sourced by the other scripts: gets what the tests need from the system's
# package manager where this user may, and says what is missing where not.
# A missing piece is never an error here: the tests that need it are skipped,
# with the reason, and the skips are counted.

say() { printf '%s\n' "$*" >&2; }

# apt_install PACKAGE... installs quietly; false where it cannot.
apt_install() {
	[ "$(id -u)" = 0 ] && command -v apt-get >/dev/null || return 1
	export DEBIAN_FRONTEND=noninteractive
	if [ -z "${APT_UPDATED:-}" ]; then
		apt-get -qq -o Acquire::Retries=3 update </dev/null >&2 || say "apt-get update failed; trying with the lists that are there"
		APT_UPDATED=1
	fi
	say "installing $*"
	apt-get -qq -y -o Acquire::Retries=3 -o Dpkg::Use-Pty=0 --no-install-recommends install "$@" </dev/null >/dev/null
}

postgres_bin() {
	local d
	for d in /usr/lib/postgresql/15/bin /usr/lib/postgresql/*/bin /usr/pgsql-*/bin; do
		[ -x "$d/initdb" ] && [ -x "$d/pgbench" ] && { echo "$d"; return; }
	done
	d=$(command -v initdb) && dirname "$d"
}

# Debian starts a server of its own on 5432 when the package is installed, unless told not to.
no_main_cluster() {
	local f=/etc/postgresql-common/createcluster.conf
	apt_install postgresql-common || return 1
	if [ -f "$f" ] && ! ls -d /etc/postgresql/*/* >/dev/null 2>&1; then
		sed -i 's/^#\?create_main_cluster.*/create_main_cluster = false/' "$f"
	fi
}

need_postgres() {
	postgres_bin >/dev/null && return
	no_main_cluster && { apt_install postgresql-15 || apt_install postgresql; } && postgres_bin >/dev/null && return
	say "PostgreSQL is not installed, and this user may not install it: its tests are skipped."
	say "  Debian, Ubuntu: sudo apt-get install postgresql-15"
	return 1
}

browser_bin() { command -v chromium || command -v chromium-browser || command -v google-chrome; }

need_browser() {
	browser_bin >/dev/null && return
	apt_install chromium fonts-dejavu-core && browser_bin >/dev/null && return
	say "Chromium is not installed, and this user may not install it: browser tests are skipped."
	say "  Debian: sudo apt-get install chromium"
	return 1
}

# need_axe prints where axe-core's script is; html-validate stands beside it. Both
# are installed once for each lock file, outside the work tree, by npm with the
# sums of the lock file.
need_axe() {
	local from=scripts/browser cache
	cache=${XDG_CACHE_HOME:-$HOME/.cache}/standfast/browser-$(sha256sum "$from/package-lock.json" | cut -c1-16)
	if [ ! -x "$cache/node_modules/.bin/html-validate" ]; then
		command -v npm >/dev/null || apt_install nodejs npm || { say "npm is not installed: accessibility and validity are not checked."; return 1; }
		mkdir -p "$cache" && cp "$from/package.json" "$from/package-lock.json" "$cache/" || return 1
		(cd "$cache" && npm ci --ignore-scripts --no-audit --no-fund --loglevel=error </dev/null >&2) ||
			{ say "npm could not fetch axe-core and html-validate: accessibility and validity are not checked."; return 1; }
	fi
	echo "$cache/node_modules/axe-core/axe.min.js"
}
