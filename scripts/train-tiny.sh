#!/usr/bin/env bash
# Trains the tiny checkpoint in a directory, two processes of one thread each; run again, it goes on where it was.
# TRANSFORMER_MINUTES and DECODER_MINUTES count all runs in the directory together. Ctrl-C saves and ends both.
# FROM names exported weights to begin with instead of nothing, each time the script is run; their decoder is kept.
set -euo pipefail
directory=${1:?usage: train-tiny.sh DIRECTORY}
cd "$(dirname "$0")/../models/easyanimate-tiny"
export OMP_NUM_THREADS=1
python=../../.venv/bin/python
minutes=${TRANSFORMER_MINUTES:-240}
from=${FROM:-}
if [ ! -e "$directory/basis.pt" ]; then
    if [ -n "$from" ]; then $python -m train begin "$directory" "$from"; else $python -m train basis "$directory"; fi
fi
$python -m train transformer "$directory" --minutes "$minutes" --decay-minutes "$((minutes / 4))" &
transformer=$!
trap 'kill -TERM $(jobs -p) 2>/dev/null; wait; exit 130' INT TERM
[ -n "$from" ] || $python -m train decoder "$directory" --minutes "${DECODER_MINUTES:-60}"
[ -e "$directory/judge.pt" ] || $python -m train judge "$directory" --minutes 15
wait "$transformer"
$python -m train export "$directory" "$directory/weights"
$python -m train evaluate "$directory" "$directory/weights" "$directory/sheets" --n 0 --followed 0
