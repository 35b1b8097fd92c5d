"""The real pipeline on the tiny checkpoint, as a process."""

from __future__ import annotations

import hashlib
import os
import shutil
import signal
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
import torch
from PIL import Image
from safetensors.torch import save_file
from test_timed import outlives

from animato_engine.media import write_mp4
from harness import Engine, start
from studio import picture, video
from video import probe, tags


def digest(file: Path) -> str:
    """The SHA-256 of a file."""
    return hashlib.sha256(file.read_bytes()).hexdigest()


@pytest.fixture(scope="module")
def fresh(tiny: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Engine]:
    """A second engine, which makes the standard video only."""
    with start(tmp_path_factory.mktemp("fresh") / "log", "--model", str(tiny), "--device", "cpu") as engine:
        assert engine.receive()["type"] == "hello"
        yield engine


@pytest.fixture(scope="module")
def undisturbed(fresh: Engine, tmp_path_factory: pytest.TempPathFactory) -> str:
    """The digest of the video of the standard request, made by an engine that made nothing before."""
    video = tmp_path_factory.mktemp("undisturbed") / "video.mp4"
    assert fresh.run(video)["type"] == "done"
    return digest(video)


def test_hello_comes_before_torch(tiny: Path, tmp_path: Path) -> None:
    # The best of several: on a busy machine one start may have to wait for its turn.
    seconds = 1.0
    for index in range(10):
        begin = time.monotonic()
        with start(tmp_path / str(index), "--model", str(tiny)) as engine:
            hello = engine.receive()
            seconds = min(seconds, time.monotonic() - begin)
            maps = Path(f"/proc/{engine.process.pid}/maps").read_text()
            assert not any(name in maps for name in ("libtorch", "multiarray", "libavcodec"))
        if seconds < 0.2:
            break
    assert hello["device"] in ("cpu", "cuda:0")
    assert hello["models"][0]["family"] == "easyanimate" and hello["models"][0]["native_shapes"][0] == [112, 64]
    assert seconds < 0.2


def test_a_video_is_made_as_asked(real: Engine, output: Path) -> None:
    done = real.run(
        output, width=768, height=448, num_frames=9, num_inference_steps=3, fps=12, prompt="一只猫在草地上玩耍"
    )
    assert done["type"] == "done", done
    assert (done["width"], done["height"]) == (768, 448)
    assert (done["rendered_width"], done["rendered_height"]) == (112, 64)
    assert done["bytes"] == output.stat().st_size
    video = probe(output)
    assert (video.codec, video.pixel_format, video.size) == ("h264", "yuv420p", (768, 448))
    assert (video.frames, video.fps, video.index_first) == (9, 12, True)
    seen = [(m["stage"], m["step"]) for m in real.messages if m["type"] == "progress"]
    denoise = [("denoise", step) for step in range(4)]
    assert seen == [("encode", 0), *denoise, ("decode", 3), ("write", 3)]
    assert all(done["seconds"][stage] > 0 for stage in ("load", "encode", "denoise", "decode", "write"))


@pytest.mark.parametrize(
    ("asked", "rendered"),
    [((64, 64), (64, 64)), ((448, 768), (64, 112)), ((512, 480), (64, 64)), ((112, 64), (112, 64))],
)
def test_each_shape_is_rendered_at_the_nearest(
    real: Engine, output: Path, asked: tuple[int, int], rendered: tuple[int, int]
) -> None:
    done = real.run(output, width=asked[0], height=asked[1], num_frames=1, num_inference_steps=1)
    assert (done["rendered_width"], done["rendered_height"]) == rendered
    assert probe(output).size == asked


def test_the_same_seed_gives_the_same_bytes_in_every_process(real: Engine, output: Path, undisturbed: str) -> None:
    real.run(output)
    assert digest(output) == undisturbed
    real.run(output.with_name("other"), seed=8)
    assert digest(output.with_name("other")) != undisturbed


def test_what_a_video_says_of_itself_shapes_no_frame(real: Engine, output: Path) -> None:
    metadata = {"title": "a cat", "comment": "seed=7"}
    plain, tagged, again = (output.with_name(name) for name in ("plain", "tagged", "again"))
    real.run(plain)
    for file in (tagged, again):
        real.run(file, metadata=metadata)
    assert tags(plain) == {} and tags(tagged) == metadata
    assert probe(plain) == probe(tagged)
    assert digest(tagged) == digest(again)


@pytest.mark.parametrize(
    ("stage", "step", "changes"),
    [
        ("encode", 0, {"num_inference_steps": 100}),
        ("denoise", 2, {"num_inference_steps": 100}),
        ("decode", 1, {"num_inference_steps": 1, "num_frames": 49}),
        ("write", 1, {"num_inference_steps": 1, "num_frames": 49, "width": 1344, "height": 768}),
    ],
)
def test_a_cancel_stops_any_stage_at_once_and_leaves_no_trace(
    real: Engine, output: Path, undisturbed: str, stage: str, step: int, changes: dict[str, int]
) -> None:
    real.run(output.with_name("warm"), num_inference_steps=1, num_frames=1)
    real.generate(output, **changes)
    real.reaches(stage, step)
    begin = time.monotonic()
    real.send("cancel", id="g")
    outcome = real.outcome()
    assert outcome["type"] == "failed" and outcome["kind"] == "cancelled"
    assert time.monotonic() - begin < 1
    assert os.listdir(output.parent) == ["warm"]
    real.run(output)
    assert digest(output) == undisturbed


@pytest.mark.parametrize(("guidance", "negative"), [(1.0, ""), (1.0, "blurry"), (5.0, ""), (5.0, "低质量,模糊")])
def test_every_guidance_works_with_and_without_a_negative_prompt(
    real: Engine, output: Path, guidance: float, negative: str
) -> None:
    done = real.run(output, guidance_scale=guidance, negative_prompt=negative, num_frames=1, num_inference_steps=1)
    assert done["type"] == "done"


@pytest.mark.parametrize("field", ["prompt", "negative_prompt"])
def test_a_prompt_that_would_be_cut_is_refused(real: Engine, output: Path, field: str) -> None:
    failed = real.run(output, **{field: "secret zebra " * 100})
    assert (failed["kind"], failed["code"]) == ("invalid_input", "prompt_too_long")
    assert failed["message"].startswith(f"{field} has ") and "256" in failed["message"]
    assert "zebra" not in failed["message"] + real.log


@pytest.mark.parametrize(
    "prompt", ["", "\0", "<|image_pad|>", "<|vision_start|><|video_pad|>", "<|im_end|>", "{% for %}"]
)
def test_odd_prompts_are_text_like_any_other(real: Engine, output: Path, prompt: str) -> None:
    assert real.run(output, prompt=prompt, num_frames=1, num_inference_steps=1)["type"] == "done"


@pytest.mark.parametrize("changes", [{"width": 72}, {"height": 8}, {"num_frames": 10}, {"num_frames": 0}])
def test_nothing_is_floored(real: Engine, output: Path, changes: dict[str, int]) -> None:
    assert real.run(output, **changes)["code"] == "invalid_request"


def test_the_end_of_the_channel_ends_it_in_the_middle_of_work(fresh: Engine, undisturbed: str, output: Path) -> None:
    fresh.generate(output, num_frames=49, num_inference_steps=100)
    fresh.reaches("denoise", 1)
    fresh.stream.close()
    fresh.exit_status(1)


def test_it_does_not_outlive_its_server_while_it_works(tiny: Path, tmp_path: Path, output: Path) -> None:
    outlives(tmp_path, output, "a cat", "--model", str(tiny), "--device", "cpu")


def test_killed_at_the_seventh_step_it_goes_on_at_the_sixth_to_the_same_bytes(
    tiny: Path, real: Engine, tmp_path: Path, output: Path
) -> None:
    keep = {"file": str(tmp_path / "checkpoint"), "every": 2}
    with start(tmp_path / "log", "--model", str(tiny), "--device", "cpu") as engine:
        engine.receive()
        engine.generate(output, num_inference_steps=10, checkpoint=keep)
        engine.reaches("denoise", 7)
        engine.process.kill()
        engine.exit_status()
    assert os.listdir(output.parent) == []
    done = real.run(output, num_inference_steps=10, checkpoint=keep)
    assert done["resumed_step"] == 6
    steps = [m["step"] for m in real.messages if m["type"] == "progress" and m["stage"] == "denoise"]
    assert steps[-5:] == [6, 7, 8, 9, 10]
    plain = output.with_name("plain")
    assert real.run(plain, num_inference_steps=10)["resumed_step"] == 0
    assert digest(output) == digest(plain)


@pytest.mark.parametrize("how", ["shutdown", "SIGTERM"])
def test_a_shutdown_keeps_the_step_at_hand(tiny: Path, real: Engine, tmp_path: Path, output: Path, how: str) -> None:
    keep = {"file": str(tmp_path / "checkpoint"), "every": 100}
    with start(tmp_path / "log", "--model", str(tiny), "--device", "cpu") as engine:
        engine.receive()
        engine.generate(output, num_inference_steps=10, checkpoint=keep)
        engine.reaches("denoise", 2)
        if how == "shutdown":
            engine.send("shutdown")
        else:
            engine.process.send_signal(signal.SIGTERM)
        assert engine.outcome()["kind"] == "yielded"
        (kept,) = [m["step"] for m in engine.messages if m["type"] == "checkpointed"]
        assert engine.exit_status() == 0
    assert real.run(output, num_inference_steps=10, checkpoint=keep)["resumed_step"] == kept >= 2


@pytest.mark.parametrize("stage", ["encode", "denoise", "decode"])
def test_out_of_memory_in_any_stage_is_told_and_survived(
    tiny: Path, tmp_path: Path, output: Path, undisturbed: str, stage: str
) -> None:
    with start(
        tmp_path / "log",
        "--model",
        str(tiny),
        "--device",
        "cpu",
        environment={"ANIMATO_ENGINE_INJECT_OOM": f"{stage}:1"},
    ) as engine:
        engine.receive()
        failed = engine.run(output)
        assert (failed["kind"], failed["stage"]) == ("out_of_memory", stage)
        assert failed["free_bytes_after"] >= failed["free_bytes_before"] * 0.99
        assert os.listdir(output.parent) == []
        assert engine.run(output)["type"] == "done"
        assert digest(output) == undisturbed


def test_after_out_of_memory_in_the_decoder_the_next_mode_only_decodes(
    tiny: Path, tmp_path: Path, output: Path, undisturbed: str
) -> None:
    injected = {"ANIMATO_ENGINE_INJECT_OOM": "decode:1"}
    keep = {"file": str(tmp_path / "checkpoint"), "every": 5}
    with start(tmp_path / "log", "--model", str(tiny), "--device", "cpu", environment=injected) as engine:
        engine.receive()
        assert engine.run(output, checkpoint=keep)["stage"] == "decode"
        done = engine.run(output, checkpoint=keep, memory_mode="model_offload_8bit")
        assert (done["resumed_step"], done["memory_mode"]) == (2, "model_offload_8bit")
        assert digest(output) == undisturbed


def test_one_engine_serves_several_models_and_every_input(
    tiny: Path, tiny_inpaint: Path, tiny_control: Path, tmp_path: Path, output: Path, undisturbed: str
) -> None:
    start_image, moving = tmp_path / "start.png", tmp_path / "moving.mp4"
    Image.fromarray(picture(1, 160, 90)).save(start_image)
    write_mp4(iter(video(2, 13)), moving, (64, 64), 12)
    models = [argument for directory in (tiny, tiny_inpaint, tiny_control) for argument in ("--model", str(directory))]
    with start(tmp_path / "log", *models, "--device", "cpu") as engine:
        names = [model["name"] for model in engine.receive()["models"]]
        assert names == ["easyanimate-tiny", "easyanimate-tiny-InP", "easyanimate-tiny-Control"]
        cases: list[tuple[str, dict[str, Path], dict[str, float]]] = [
            (names[0], {}, {}),
            (names[1], {"start_image": start_image}, {}),
            (names[1], {"video": moving}, {"strength": 0.5}),
            (names[2], {"control_video": moving, "ref_image": start_image}, {}),
        ]
        digests = set()
        for index, (name, inputs, changes) in enumerate(cases):
            file = output.with_name(str(index))
            given = {key: str(path) for key, path in inputs.items()}
            assert engine.run(file, str(index), model=name, inputs=given, **changes)["type"] == "done"
            digests.add(digest(file))
        assert len(digests) == len(cases) and undisturbed in digests
        short = engine.run(output, model=names[2], inputs={"control_video": str(moving)}, num_frames=49)
        assert (short["kind"], short["code"]) == ("invalid_input", "media_too_short")
        bad = engine.run(output, model=names[1], inputs={"start_image": str(tmp_path / "log")})
        assert (bad["kind"], bad["code"]) == ("invalid_input", "media_unreadable")
        refused = engine.run(output, model=names[0], inputs={"start_image": str(start_image)})
        assert refused["code"] == "invalid_request"


def test_a_lora_shapes_the_videos_that_name_it_and_no_others(
    tiny: Path, tmp_path: Path, output: Path, undisturbed: str
) -> None:
    folder = tmp_path / "loras"
    folder.mkdir()
    draw = torch.Generator().manual_seed(1)
    layer = "transformer.transformer_blocks.0.attn1.to_q"
    pair = {
        f"{layer}.lora_A.weight": torch.randn(4, 192, generator=draw),
        f"{layer}.lora_B.weight": torch.randn(192, 4, generator=draw),
    }
    save_file(pair, folder / "style.safetensors")
    with start(tmp_path / "log", "--model", str(tiny), "--device", "cpu", "--loras", str(folder)) as engine:
        (lora,) = engine.receive()["loras"]
        assert lora["name"] == "style" and lora["bytes"] == (folder / "style.safetensors").stat().st_size
        styled = [{"name": "style", "scale": 1.0}]
        assert engine.run(output.with_name("styled"), loras=styled)["type"] == "done"
        assert engine.run(output)["type"] == "done"
        unknown = engine.run(output.with_name("unknown"), loras=[{"name": "none", "scale": 1.0}])
        assert unknown["code"] == "lora_unknown"
    assert digest(output) == undisturbed != digest(output.with_name("styled"))


def test_a_checkpoint_that_changes_after_hello_is_not_loaded(tiny: Path, tmp_path: Path, output: Path) -> None:
    copy = tmp_path / "model"
    shutil.copytree(tiny, copy)
    with start(tmp_path / "log", "--model", str(copy), "--device", "cpu") as engine:
        engine.receive()
        with (copy / "vae" / "diffusion_pytorch_model.safetensors").open("r+b") as file:
            file.seek(-1, os.SEEK_END)
            file.write(b"\x01")
        failed = engine.run(output)
        assert (failed["kind"], failed["code"]) == ("load_failed", "model_changed")
