"""Everything that was accepted ends, once, and is told of, whatever dies."""

from __future__ import annotations

from pathlib import Path

from chaos import Chaos

SECONDS = 45
"""Of load and harm; `make chaos` takes ten minutes."""


def test_nothing_is_lost_while_everything_dies_in_turn(tmp_path: Path) -> None:
    chaos = Chaos(tmp_path, seed=9)
    try:
        report = chaos.run(SECONDS)
    finally:
        chaos.close()
    # It was not quiet.
    assert sum(report["disturbances"].values()) >= 5, report
    assert report["accepted"] >= 20, report
