"""Checkpoints: what is served, what is refused and why, and which one it is."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from conftest import BUILD

from animato_engine.description import Defaults, Limits, ModelDescription
from animato_engine.errors import Refused
from animato_engine.fingerprint import WHOLE_FILE_BYTES, fingerprint
from animato_engine.models.adapter import Facts
from animato_engine.models.easyanimate import EASYANIMATE
from animato_engine.models.house import House
from animato_engine.models.opening import open_checkpoint, open_checkpoints
from harness import start
from studio import order


@pytest.fixture
def copy(tiny: Path, tmp_path: Path) -> Path:
    """A copy of the tiny checkpoint that may be changed."""
    shutil.copytree(tiny, tmp_path / "copy")
    return tmp_path / "copy"


def edit(file: Path, change: Callable[[Any], Any]) -> None:
    """Change the JSON in `file`."""
    content = json.loads(file.read_text())
    file.write_text(json.dumps(change(content) or content))


def refusal(model: Path | str) -> Refused:
    """How `model` is refused."""
    with pytest.raises(Refused) as caught:
        open_checkpoint(str(model))
    return caught.value


def test_two_builds_are_the_same_checkpoint(tiny: Path, tmp_path: Path) -> None:
    built = tmp_path / "built"
    for said in ("built ", "is already there"):
        result = subprocess.run(
            [sys.executable, str(BUILD), str(built), "--random"], check=True, capture_output=True, text=True
        )
        assert said in result.stdout
    assert open_checkpoint(str(built)).description == open_checkpoint(str(tiny)).description
    assert os.listdir(tmp_path) == ["built"]


def test_a_build_replaces_an_older_recipe_and_nothing_else(tmp_path: Path) -> None:
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "thesis.txt").write_text("text")
    result = subprocess.run([sys.executable, str(BUILD), str(tmp_path / "mine")], capture_output=True, check=False)
    assert result.returncode == 1
    assert os.listdir(tmp_path / "mine") == ["thesis.txt"]


def test_the_place_of_a_checkpoint_is_no_part_of_it(tiny: Path, copy: Path) -> None:
    assert open_checkpoint(str(copy)).description == open_checkpoint(str(tiny)).description


@pytest.mark.parametrize("name", ["animato.json", "scheduler/scheduler_config.json", "tokenizer/chat_template.jinja"])
def test_every_file_counts(tiny: Path, copy: Path, name: str) -> None:
    (copy / name).write_text((copy / name).read_text() + " ")
    assert open_checkpoint(str(copy)).description.fingerprint != open_checkpoint(str(tiny)).description.fingerprint


def test_files_that_nobody_reads_do_not_count(tiny: Path, copy: Path) -> None:
    (copy / "README.md").write_text("read me")
    (copy / "vae" / "weights.bin").write_bytes(b"pickle")
    assert open_checkpoint(str(copy)).description == open_checkpoint(str(tiny)).description


def test_of_a_large_file_the_head_the_blocks_and_the_size_count(tmp_path: Path) -> None:
    size = WHOLE_FILE_BYTES + (10 << 20)
    file = tmp_path / "large"
    file.touch()
    os.truncate(file, size)
    seen = {fingerprint(tmp_path, ["large"])}
    # The last two lie in the first block behind the head, and in the last.
    for position in (0, (1 << 20) - 1, (size - (64 << 10)) // 63 + (1 << 10), size - 1):
        with file.open("r+b") as stream:
            stream.seek(position)
            stream.write(b"\x01")
        seen.add(fingerprint(tmp_path, ["large"]))
    os.truncate(file, size + 1)
    seen.add(fingerprint(tmp_path, ["large"]))
    assert len(seen) == 6


def test_a_symbolic_link_counts_as_what_it_leads_to(copy: Path, tmp_path: Path, tiny: Path) -> None:
    weights = copy / "vae" / "diffusion_pytorch_model.safetensors"
    weights.rename(tmp_path / "blob")
    weights.symlink_to(tmp_path / "blob")
    assert open_checkpoint(str(copy)).description == open_checkpoint(str(tiny)).description


def test_a_checkpoint_without_overrides_has_the_limits_of_the_real_model(copy: Path) -> None:
    (copy / "animato.json").unlink()
    description = open_checkpoint(str(copy)).description
    assert (description.name, description.limits, description.defaults) == ("copy", Limits(), Defaults())
    assert description.rendered_size(768, 448) == (768, 448)
    assert "native_shapes" not in description.wire()


@pytest.mark.parametrize(
    ("overrides", "reason"),
    [
        ([], "object"),
        ({"nmae": "x"}, "nmae"),
        ({"name": ""}, "name"),
        ({"limits": {"min_widht": 64}}, "limits.min_widht"),
        ({"limits": {"min_width": "64"}}, "limits.min_width"),
        ({"limits": {"min_width": True}}, "limits.min_width"),
        ({"limits": {"min_width": 1000}}, "width"),
        ({"limits": {"size_multiple": 8}}, "size_multiple"),
        ({"limits": {"max_pixels": 1000}}, "max_pixels"),
        ({"limits": {"max_width": 10**9}}, "width"),
        ({"limits": {"max_prompt_characters": 0}}, "max_prompt_characters"),
        ({"defaults": {"num_frames": 48}}, "num_frames"),
        ({"defaults": {"width": 680}}, "size"),
        ({"defaults": {"guidance_scale": 50}}, "guidance_scale"),
        ({"defaults": {"negative_prompt": None}}, "negative_prompt"),
        ({"defaults": {"strength": 0.01}}, "strength"),
        ({"sizes": [[100, 64]]}, "100x64"),
        ({"sizes": [[32, 64]]}, "32x64"),
        ({"sizes": [[1344, 1344]]}, "1344x1344"),
        ({"step_cache": []}, "step_cache"),
        ({"step_cache": [1, True]}, "step_cache"),
        ({"step_cache": [1] * 10}, "step_cache"),
        ({"native_shapes": [[100, 64]]}, "100x64"),
        ({"native_shapes": [[0, 64]]}, "0x64"),
        ({"native_shapes": [64, 64]}, "native_shapes"),
        ({"native_shapes": "all"}, "native_shapes"),
    ],
)
def test_unsound_overrides_are_refused_by_name(copy: Path, overrides: Any, reason: str) -> None:
    (copy / "animato.json").write_text(json.dumps(overrides))
    error = refusal(copy)
    assert error.code == "model_unsupported"
    assert "animato.json" in error.message and reason in error.message


@pytest.mark.parametrize("model", ["no/such/directory", "/no/such", "", "../x", "a b"])
def test_what_is_not_there_is_not_found(model: str) -> None:
    assert refusal(model).code == "model_not_found"


def test_an_empty_directory_is_no_checkpoint(tmp_path: Path) -> None:
    assert refusal(tmp_path).code == "model_not_found"


@pytest.mark.parametrize("pipeline", ["LTXPipeline", "StableDiffusionPipeline", None])
def test_other_pipelines_are_refused(copy: Path, pipeline: str | None) -> None:
    edit(copy / "model_index.json", lambda index: index.update(_class_name=pipeline))
    error = refusal(copy)
    assert error.code == "model_unsupported" and str(pipeline) in error.message


@pytest.mark.parametrize(
    ("component", "value"),
    [
        ("scheduler", ["diffusers", "DDIMScheduler"]),
        ("transformer", ["custom", "EasyAnimateTransformer3DModel"]),
        ("text_encoder", None),
        ("vae", [None, None]),
        ("extra", ["diffusers", "AutoencoderKL"]),
    ],
)
def test_other_components_are_refused(copy: Path, component: str, value: Any) -> None:
    edit(copy / "model_index.json", lambda index: index.update({component: value}))
    error = refusal(copy)
    assert error.code == "model_unsupported" and component in error.message


def test_components_that_are_listed_as_absent_are_ignored(copy: Path) -> None:
    edit(copy / "model_index.json", lambda index: index.update(text_encoder_2=[None, None]))
    open_checkpoint(str(copy))


@pytest.mark.parametrize("channels", [33, 48, 17, None])
def test_a_transformer_for_another_task_is_refused(copy: Path, channels: int | None) -> None:
    edit(copy / "transformer" / "config.json", lambda config: config.update(in_channels=channels))
    assert str(channels) in refusal(copy).message


def test_control_by_a_camera_is_refused_with_what_to_use(copy: Path) -> None:
    edit(copy / "model_index.json", lambda index: index.update(_class_name="EasyAnimateControlPipeline"))
    edit(copy / "transformer" / "config.json", lambda config: config.update(in_channels=38))
    error = refusal(copy)
    assert error.code == "model_unsupported" and "camera" in error.message


def test_each_kind_says_what_it_takes(tiny: Path, tiny_inpaint: Path, tiny_control: Path) -> None:
    opened = [
        checkpoint.description
        for checkpoint in open_checkpoints([str(tiny), str(tiny_inpaint), str(tiny_control)], ["cpu"])
    ]
    assert [model.inputs for model in opened] == [
        (),
        ("start_image", "end_image", "video"),
        ("control_video", "ref_image"),
    ]
    wire = opened[1].wire()
    assert tuple(wire["inputs"]) == opened[1].inputs
    assert wire["sizes"] == [[672, 384], [512, 512], [384, 672]]
    assert wire["memory_modes"] == ["full", "model_offload_8bit"]
    assert wire["step_cache"] == ["off", "balanced", "fast"] and "coefficients" not in wire


def test_overrides_may_say_sizes_and_a_step_cache(copy: Path) -> None:
    edit(copy / "animato.json", lambda content: content.update(sizes=[[112, 64]], step_cache=[1, 0.5]))
    description = open_checkpoint(str(copy)).description
    assert description.sizes == ((112, 64),) and description.coefficients == (1.0, 0.5)
    assert description.step_cache == ("off", "balanced", "fast")
    on_two = open_checkpoints([str(copy)], ["cpu", "cpu"])[0].description
    assert on_two.step_cache == ("off",)


def test_two_models_of_one_name_are_refused(tiny: Path, copy: Path) -> None:
    with pytest.raises(Refused, match="easyanimate-tiny"):
        open_checkpoints([str(tiny), str(copy)], ["cpu"])
    with pytest.raises(Refused, match="16"):
        open_checkpoints([str(tiny)] * 17, ["cpu"])


@pytest.mark.parametrize(
    ("transformer_bytes", "mode_on_24_gb", "coefficients"),
    [(24_000_000_000, "model_offload_8bit", 5), (14_000_000_000, "model_offload", 5), (5_000_000, None, None)],
)
def test_the_published_table_is_that_of_the_published_sizes(
    transformer_bytes: int, mode_on_24_gb: str | None, coefficients: int | None
) -> None:
    sizes = {"transformer": transformer_bytes, "text_encoder": 16_000_000_000, "vae": 1_000_000_000}
    declared = EASYANIMATE.declare(Facts("EasyAnimatePipeline", {"transformer": {"in_channels": 16}}, sizes))
    shape = (672, 384, 49)
    found = {
        entry.min_memory_bytes: entry.mode
        for entry in declared.memory_table
        if (entry.width, entry.height, entry.num_frames) == shape
    }
    assert found.get(23_500_000_000) == mode_on_24_gb
    assert found.get(40_000_000_000) == (mode_on_24_gb and "model_offload")
    assert (len(declared.step_cache) if declared.step_cache else None) == coefficients
    largest = [entry for entry in declared.memory_table if entry.width == 1344 and entry.num_frames == 49]
    # The largest shape has no room on 24 GB in any mode.
    assert all(entry.min_memory_bytes >= 40_000_000_000 for entry in largest)


def test_weights_in_pickle_files_are_refused(copy: Path) -> None:
    weights = copy / "vae" / "diffusion_pytorch_model.safetensors"
    weights.rename(weights.with_suffix(".bin"))
    error = refusal(copy)
    assert error.code == "model_unsupported" and "safetensors" in error.message


def test_a_missing_shard_is_named(copy: Path) -> None:
    index = {"metadata": {"total_size": 5}, "weight_map": {"a": "model-00002-of-00002.safetensors"}}
    (copy / "text_encoder" / "model.safetensors.index.json").write_text(json.dumps(index))
    assert "model-00002-of-00002.safetensors" in refusal(copy).message


@pytest.mark.parametrize("name", ["model_index.json", "animato.json", "transformer/config.json"])
def test_a_damaged_file_is_named(copy: Path, name: str) -> None:
    (copy / name).write_text("{")
    error = refusal(copy)
    assert error.code == "model_unsupported" and name in error.message


def test_shapes_are_chosen_by_ratio() -> None:
    model = ModelDescription(
        "m", "f", "0" * 64, 0, Limits(), Defaults(), native_shapes=((112, 64), (64, 64), (64, 112))
    )
    sizes = [(768, 448), (1344, 256), (512, 512), (576, 512), (448, 768), (256, 1344)]
    shapes = [(112, 64), (112, 64), (64, 64), (64, 64), (64, 112), (64, 112)]
    assert [model.rendered_size(*size) for size in sizes] == shapes


@pytest.fixture
def hub(tiny: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The cache of a hub client that has fetched the tiny checkpoint as `someone/tiny`; gives its snapshot."""
    import huggingface_hub.constants

    cache = tmp_path / "hub"
    repository = cache / "models--someone--tiny"
    snapshot = repository / "snapshots" / ("c" * 40)
    shutil.copytree(tiny, snapshot)
    (repository / "refs").mkdir()
    (repository / "refs" / "main").write_text("c" * 40)
    monkeypatch.setattr(huggingface_hub.constants, "HF_HUB_CACHE", str(cache))
    return snapshot


def test_an_id_on_the_hub_is_pinned_to_its_commit(hub: Path, tiny: Path) -> None:
    checkpoint = open_checkpoint("someone/tiny")
    assert checkpoint.commit == "c" * 40
    assert checkpoint.description.weight_bytes == open_checkpoint(str(tiny)).description.weight_bytes
    identity = checkpoint.description.fingerprint
    hub.rename(hub.with_name("d" * 40))
    (hub.parent.parent / "refs" / "main").write_text("d" * 40)
    assert open_checkpoint("someone/tiny").description.fingerprint != identity


def test_a_checkpoint_from_the_hub_loads(hub: Path) -> None:
    studio = House([open_checkpoint("someone/tiny")], (), "cpu")
    studio.load(order(studio))


def test_an_id_that_is_not_on_the_hub_is_not_found(hub: Path) -> None:
    error = refusal("someone/else")
    assert error.code == "model_not_found" and "someone/else" in error.message


def test_describe_prints_what_hello_says(tiny: Path) -> None:
    command = [sys.executable, "-m", "animato_engine", "describe", "--model"]
    result = subprocess.run([*command, str(tiny)], check=True, capture_output=True, text=True)
    assert json.loads(result.stdout) == open_checkpoint(str(tiny)).description.wire()
    failed = subprocess.run([*command, "/no/such"], check=False, capture_output=True, text=True)
    assert failed.returncode == 78 and json.loads(failed.stderr)["code"] == "model_not_found"


@pytest.mark.parametrize(
    ("arguments", "code"),
    [
        (["--model", "/no/such", "--device", "cpu"], "model_not_found"),
        (["--model", "TINY", "--device", "cuda:99"], "device_unavailable"),
        (["--model", "TINY", "--device", "tpu"], "device_unavailable"),
    ],
)
def test_an_engine_that_cannot_work_says_why(tiny: Path, tmp_path: Path, arguments: list[str], code: str) -> None:
    with start(tmp_path / "log", *(str(tiny) if a == "TINY" else a for a in arguments)) as engine:
        message = engine.receive()
        assert (message["type"], message["code"]) == ("refused", code)
        assert engine.channel.receive() is None
        assert engine.exit_status() == 78
