"""The description that the server gives, against the server: no undocumented answer, no broken schema, no 5xx.

`make contract` runs it at length.
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

from openapi_spec_validator import OpenAPIV31SpecValidator
from server import REPOSITORY, Server

# Says which checks are left out where, and why. All others are made.
EXCEPTIONS = Path(__file__).with_name("schemathesis.toml")
KEY = "the key of the settings, of everybody"
PHASES = ("--phases", "examples,coverage,fuzzing,stateful")

# Taken out of the environment, where the server would take them for settings.
EXAMPLES = os.environ.pop("ANIMATO_FUZZ_EXAMPLES", "50")
LEAST_CASES = int(os.environ.pop("ANIMATO_FUZZ_LEAST_CASES", "1000"))


def test_the_description_is_valid(start: Callable[..., Server]) -> None:
    described = start(timed=0).get("/openapi.json").json()
    assert described["openapi"].startswith("3.1.")
    assert [error.message for error in OpenAPIV31SpecValidator(described).iter_errors()] == []


def test_schemathesis_finds_nothing(start: Callable[..., Server]) -> None:
    # With a key from the start: the first one that a request makes would keep all others out.
    server = start(timed=0, http_maxWait=1, access_adminKey=KEY)
    server.session.headers["Authorization"] = f"Bearer {KEY}"
    server.wait_until_ready()
    # One finished task and one video, so that good paths are walked as well.
    server.wait_for_end(server.submit("a cat")["task_id"])
    checked = subprocess.run(
        [
            *(sys.executable, "-m", "schemathesis.cli", "--config-file", str(EXCEPTIONS)),
            *("run", server.url + "/openapi.json", *PHASES, "--max-examples", EXAMPLES),
            *("--header", f"Authorization: Bearer {KEY}"),
            # A stream has no end that this could wait for; test_events.py follows it.
            *("--exclude-operation-id", "followTask"),
            *("--seed", "1", "--workers", "1", "--no-color", "--request-timeout", "10"),
        ],
        cwd=REPOSITORY,
        capture_output=True,
        text=True,
        timeout=7200,
        check=False,
    )
    assert checked.returncode == 0, checked.stdout[-8000:] + checked.stderr[-2000:]
    assert server.process.poll() is None
    cases = re.search(r"([\d,]+) generated", checked.stdout)
    assert cases, checked.stdout[-2000:]
    count = int(cases[1].replace(",", ""))
    print(f"{count} cases")
    assert count >= LEAST_CASES
