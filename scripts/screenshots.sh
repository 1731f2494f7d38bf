#!/usr/bin/env bash
# docs/dashboard.png and docs/dashboard-phone-dark.png, from a demo of this tree.
set -euo pipefail
cd "$(dirname "$0")/.."
. scripts/need.sh
need_browser
STANDFAST_TEST_CHROMIUM=$(browser_bin)
export STANDFAST_TEST_CHROMIUM STANDFAST_TEST_SHOTS=$PWD/docs
go test -count=1 -run TestPicturesForTheDocuments ./internal/e2e
