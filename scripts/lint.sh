#!/usr/bin/env bash
# Format and style of everything, without building.
set -euo pipefail
cd "$(dirname "$0")/.."
python=(engine models scripts Tests Benchmarks)
swift format lint --strict --recursive Package.swift Sources Tests
.venv/bin/ruff check --config engine/pyproject.toml "${python[@]}"
.venv/bin/ruff format --check --config engine/pyproject.toml "${python[@]}"
.venv/bin/mypy --config-file engine/pyproject.toml engine/animato_engine models/easyanimate-tiny/build.py \
    models/easyanimate-tiny/train scripts/check_video.py
.venv/bin/shellcheck scripts/*.sh .ci/run
