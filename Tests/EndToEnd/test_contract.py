"""`openapi.yaml` against the running server: no undocumented answer, no answer that breaks its schema, no 5xx."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable

from server import REPOSITORY, Server

# What is valid depends on the loaded model (steps, sizes, frames), which the file cannot say; and DELETE cancels a
# task, which stays there to be looked at.
LEFT_OUT = ("--exclude-checks", "positive_data_acceptance,use_after_free")


def test_schemathesis_finds_nothing(start: Callable[..., Server]) -> None:
    server = start(timed=0)
    server.wait_until_ready()
    # One finished task and one video, so that good paths are walked as well.
    server.wait_for_end(server.submit("a cat")["task_id"])
    checked = subprocess.run(
        [
            *(sys.executable, "-m", "schemathesis.cli", "run", str(REPOSITORY / "openapi.yaml")),
            *("--url", server.url, "--checks", "all", *LEFT_OUT),
            *("--max-examples", os.environ.get("ANIMATO_FUZZ_EXAMPLES", "50")),
            *("--seed", "1", "--workers", "1", "--no-color", "--request-timeout", "10"),
        ],
        cwd=REPOSITORY,
        capture_output=True,
        text=True,
        timeout=600,
        check=False,
    )
    assert checked.returncode == 0, checked.stdout[-8000:] + checked.stderr[-2000:]
    assert server.process.poll() is None
