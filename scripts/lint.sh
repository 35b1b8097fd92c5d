#!/usr/bin/env bash
# Format and style of everything, without building.
set -euo pipefail
cd "$(dirname "$0")/.."
python=(engine models scripts Tests Benchmarks docs/examples deploy)
swift format lint --strict --recursive Package.swift Sources Tests docs/examples
.venv/bin/ruff check --config engine/pyproject.toml "${python[@]}"
.venv/bin/ruff format --check --config engine/pyproject.toml "${python[@]}"
.venv/bin/mypy --config-file engine/pyproject.toml engine/animato_engine models/easyanimate-tiny/build.py \
    models/easyanimate-tiny/train scripts/check_video.py scripts/check_links.py deploy/grafana
.venv/bin/python scripts/embed.py --check
.venv/bin/python scripts/check_links.py
.venv/bin/shellcheck scripts/*.sh .ci/run
