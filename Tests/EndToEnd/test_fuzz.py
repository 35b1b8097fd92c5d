"""A short run of `make fuzz`."""

from __future__ import annotations

import asyncio
import os
import sys
from collections.abc import Callable
from pathlib import Path

from server import Server

sys.path.insert(0, str(Path(__file__).parents[1] / "Fuzz"))

from fuzz_http import SETTINGS, fuzz, prepared

# Taken out of the environment, where the server would take it for a setting.
SEED = int(os.environ.pop("ANIMATO_FUZZ_SEED", "1"))


def test_damaged_requests_do_no_harm(start: Callable[..., Server]) -> None:
    server = start(**SETTINGS)
    findings = asyncio.run(fuzz(server, prepared(server), requests=20_000, seed=SEED, clients=16))
    assert findings.bad == []
    # The damage is not so great that everything is refused alike.
    assert {200, 202, 206, 304, 400, 404, 405, 409, 422} <= set(findings.statuses)
