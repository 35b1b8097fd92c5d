"""Orders: what a `generate` says beside its request is checked before anything costs time."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from animato_engine.description import Defaults, Limits, ModelDescription
from animato_engine.errors import Failure
from animato_engine.lora import LoRAFile
from animato_engine.order import Order, Periodic, parse_order
from animato_engine.protocol import Generate
from harness import request

MODEL = ModelDescription(
    "m",
    "f",
    "0" * 64,
    0,
    Limits(min_width=64, min_height=64),
    Defaults(),
    inputs=("start_image", "end_image", "video"),
    memory_modes=("full", "model_offload"),
)
LORA = LoRAFile("style", "f" * 64, 5, Path("/loras/style.safetensors"))


TRACE = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"


def parse(output: Path, changes: dict[str, Any] | None = None, **beside: Any) -> Order:
    """The order that `beside` makes of a valid one."""
    fields = {"model": "m", "memory_mode": "full", "output": str(output), **beside}
    return parse_order(Generate("g", request(**(changes or {})), **fields), {"m": MODEL}, {"style": LORA})


def refusal(output: Path, changes: dict[str, Any] | None = None, **beside: Any) -> Failure:
    """How an order is refused."""
    with pytest.raises(Failure) as caught:
        parse(output, changes, **beside)
    return caught.value


def test_an_order_is_taken_as_it_is(output: Path, tmp_path: Path) -> None:
    (tmp_path / "a.png").write_bytes(b"x")
    order = parse(
        output,
        {"loras": [{"name": "style", "scale": 0.5}]},
        inputs={"start_image": str(tmp_path / "a.png")},
        memory_mode="model_offload",
        checkpoint={"file": str(tmp_path / "c"), "every": 5},
        preview={"file": str(tmp_path / "p"), "every": 2},
    )
    assert order.model == MODEL and order.memory_mode == "model_offload"
    assert order.inputs == {"start_image": tmp_path / "a.png"}
    assert order.loras == ((LORA, 0.5),)
    assert (order.checkpoint, order.preview) == (Periodic(tmp_path / "c", 5), Periodic(tmp_path / "p", 2))
    assert order.trace_id == ""
    assert [step for step in range(1, 7) if Periodic(tmp_path, 3).due(step)] == [3, 6]


@pytest.mark.parametrize(
    ("beside", "word"),
    [
        *(({"model": value}, "model") for value in (None, 1, "other", ["m"])),
        *(({"memory_mode": value}, "memory_mode") for value in (None, "sequential_offload", ["full"])),
        *(({"inputs": value}, "inputs") for value in ([], "a", {"control_video": "/x"}, {"prompt": "/x"})),
        ({"inputs": {"start_image": "a.png"}}, "start_image"),
        ({"inputs": {"video": 1}}, "video"),
        *(({"checkpoint": value}, "checkpoint") for value in ("/c", {}, {"file": "/tmp/c"}, {"every": 1})),
        *(({"trace": value}, "trace") for value in (1, "", TRACE.upper(), TRACE + "-x", TRACE.replace("00-4", "01-4"))),
        *(({"trace": f"00-{one}-{two}-00"}, "trace") for one, two in (("0" * 32, "1" * 16), ("1" * 32, "0" * 16))),
        *(({"preview": {"file": "/tmp/p", "every": value}}, "preview.every") for value in (0, 1001, 1.0, True)),
    ],
)
def test_what_does_not_fit_is_refused_by_name(output: Path, beside: dict[str, Any], word: str) -> None:
    error = refusal(output, **beside)
    assert (error.kind, error.code) == ("invalid_input", "invalid_request") and word in error.message


def test_a_trace_is_taken_by_its_name(output: Path) -> None:
    assert parse(output, trace=TRACE).trace_id == "4bf92f3577b34da6a3ce929d0e0e4736"


def test_inputs_that_contradict_each_other_are_refused(output: Path, tmp_path: Path) -> None:
    file = tmp_path / "a"
    file.write_bytes(b"x")
    parse(output, inputs={"start_image": str(file), "end_image": str(file)})
    for other in ("start_image", "end_image"):
        assert other in refusal(output, inputs={"video": str(file), other: str(file)}).message


def test_an_input_that_is_not_there_is_unreadable(output: Path, tmp_path: Path) -> None:
    for path in (tmp_path / "none", tmp_path):
        error = refusal(output, inputs={"video": str(path)})
        assert error.code == "media_unreadable" and str(tmp_path) not in error.message


def test_a_lora_that_is_not_there_is_unknown(output: Path) -> None:
    assert refusal(output, {"loras": [{"name": "other", "scale": 1}]}).code == "lora_unknown"


def test_a_file_without_a_directory_is_a_failure_of_the_storage(output: Path, tmp_path: Path) -> None:
    missing = str(tmp_path / "none" / "file")
    assert refusal(Path(missing)).code == "write_failed"
    assert refusal(output, checkpoint={"file": missing, "every": 1}).code == "write_failed"
