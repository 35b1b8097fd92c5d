"""Many generations in one process, most of which end badly: its memory does not grow."""

from __future__ import annotations

import random
from pathlib import Path

from animato_engine.protocol import Message
from harness import Engine, start

_WARM, _COUNT = 10, 190
_GROWTH = 1.05


def resident_bytes(engine: Engine) -> int:
    """What the process holds of the machine's memory."""
    for line in Path(f"/proc/{engine.process.pid}/status").read_text().splitlines():
        if line.startswith("VmRSS:"):
            return int(line.split()[1]) * 1024
    raise AssertionError("no VmRSS")


def until_stage(engine: Engine, stage: str) -> Message | None:
    """Wait until the generation is in `stage`; its outcome, if it ends before."""
    message = engine.until(lambda m: m["type"] in ("done", "failed") or m.get("stage") == stage)
    return None if message["type"] == "progress" else message


def test_cancels_yields_and_played_out_of_memory_leave_no_memory_behind(tiny: Path, tmp_path: Path) -> None:
    chance = random.Random(7)
    injected = {"ANIMATO_ENGINE_INJECT_OOM": "encode/13,denoise/7,decode/5"}
    keep = {"file": str(tmp_path / "checkpoint"), "every": 1}
    preview = {"file": str(tmp_path / "preview"), "every": 1}
    kinds: dict[str, int] = {}
    warm = 0
    with start(tmp_path / "log", "--model", str(tiny), "--device", "cpu", environment=injected) as engine:
        engine.receive()
        for index in range(_WARM + _COUNT):
            output = tmp_path / f"{index}.mp4"
            beside = {"checkpoint": keep, "preview": preview} if chance.random() < 0.5 else {}
            engine.generate(output, str(index), seed=index, prompt=f"a cat {index}", **beside)
            outcome = until_stage(engine, chance.choice(("encode", "denoise", "decode", "write", "")))
            if outcome is None:
                engine.send(chance.choice(("cancel", "yield")), id=str(index))
                outcome = engine.outcome(str(index))
            kind = outcome.get("kind", "done")
            kinds[kind] = kinds.get(kind, 0) + 1
            output.unlink(missing_ok=True)
            if index == _WARM - 1:
                warm = resident_bytes(engine)
        grown = resident_bytes(engine)
        assert set(kinds) == {"done", "cancelled", "yielded", "out_of_memory"}
        assert grown < warm * _GROWTH, f"{warm} bytes after {_WARM} generations, {grown} after {_WARM + _COUNT}"
