#!/usr/bin/env bash
# Everything that `make run` needs: the packages and the program, at the same time.
set -euo pipefail
cd "$(dirname "$0")/.."
# GRDB needs the header of SQLite, so the system packages come first where they are missing.
if [ ! -e /usr/include/sqlite3.h ]; then scripts/setup.sh run; fi
scripts/setup.sh run &
setup=$!
swift build --product animato || { kill "$setup" 2>/dev/null; exit 1; }
wait "$setup"
