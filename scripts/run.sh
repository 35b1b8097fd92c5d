#!/usr/bin/env bash
# Starts the server, has it make the sample video through its public API, and keeps serving.
# With --demo it checks the video and stops instead; the exit code is 0 only if every check holds.
set -euo pipefail
cd "$(dirname "$0")/.."
binary=${ANIMATO_BINARY:-.build/debug/animato}
server=http://127.0.0.1:${ANIMATO_HTTP_PORT:-5000}
output=var/sample.mp4
log=var/server.log
unset ANIMATO_BINARY

mkdir -p var
"$binary" serve >"$log" 2>&1 &
pid=$!
stop() { kill "$pid" 2>/dev/null || true; wait "$pid" 2>/dev/null || true; }
trap stop EXIT
trap 'exit 130' INT TERM

ready() { (exec 3<>"/dev/tcp/127.0.0.1/${server##*:}") 2>/dev/null; }
for _ in $(seq 300); do
    ready && break
    kill -0 "$pid" 2>/dev/null || { cat "$log" >&2; exit 1; }
    sleep 0.1
done

"$binary" generate "一只猫在草地上玩耍" --negative-prompt "低质量,模糊" \
    --width 768 --height 448 --num-frames 49 --server "$server" --output "$output"

if [ "${1:-}" = --demo ]; then
    .venv/bin/python scripts/check_video.py "$output" --width 768 --height 448 --frames 49
    exit 0
fi
echo "The video is $PWD/$output"
echo "The server is $server (its log is $log; Ctrl-C stops it)"
wait "$pid"
