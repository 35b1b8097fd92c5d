#!/usr/bin/env bash
# Every check, in order; the first that fails ends it. Run through `make test`, which installs what is needed.
set -euo pipefail
cd "$(dirname "$0")/.."
step() { printf '\n== %s (%d s)\n' "$1" "$SECONDS"; }

step "format and style"
scripts/lint.sh
step "documentation"
scripts/docs.sh
step "build"
swift build --build-tests --explicit-target-dependency-import-check error
# One room after the other and a few tests at a time: all at once they are slower on few cores, and deadlines are missed
# because other tests hold every core.
export SWT_EXPERIMENTAL_MAXIMUM_PARALLELIZATION_WIDTH=4
for tests in Tests/*Tests; do
    step "Swift tests: $(basename "$tests")"
    swift test --skip-build --filter "^$(basename "$tests")\."
done
step "Python tests"
(cd engine && ../.venv/bin/python -m pytest -q)
.venv/bin/python -m pytest -q models/easyanimate-tiny/tests
step "end to end"
.venv/bin/python -m pytest -q Tests/EndToEnd
step "release build"
swift build -c release --product animato
step "done"
