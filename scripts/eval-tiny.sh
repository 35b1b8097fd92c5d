#!/usr/bin/env bash
# Scores the weights of the tiny checkpoint; the judge, which is not committed, is trained in a directory first.
# WEIGHTS names others than the committed ones, for example those that train-tiny.sh wrote.
set -euo pipefail
directory=${1:?usage: eval-tiny.sh DIRECTORY}
weights=${WEIGHTS:-weights}
mkdir -p "$directory"
cd "$(dirname "$0")/../models/easyanimate-tiny"
export OMP_NUM_THREADS=1
[ -e "$directory/judge.pt" ] || ../../.venv/bin/python -m train judge "$directory" --minutes 15
exec ../../.venv/bin/python -m train evaluate "$directory" "$weights" "$directory/sheets"
