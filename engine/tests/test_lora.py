"""LoRA files on the tiny transformer: what is accepted, what merging gives, and that nothing stays."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import pytest
import torch
from diffusers import EasyAnimateTransformer3DModel
from safetensors.torch import save_file

from animato_engine import lora
from animato_engine.errors import Cancelled, Failure
from animato_engine.lora import LoRAFile, merged, scan
from animato_engine.memory import Residency
from animato_engine.weights import WeightFiles

LINEAR = "transformer_blocks.0.attn1.to_q"
OUT = "transformer_blocks.1.attn1.to_out.0"
CONV = "proj"
RANK = 4


@pytest.fixture(scope="module")
def network(tiny: Path) -> Any:
    """The transformer, shared: every test must leave it as it was."""
    return EasyAnimateTransformer3DModel.from_pretrained(tiny / "transformer", dtype=torch.float32)


@pytest.fixture(autouse=True)
def untouched(network: Any) -> Any:
    """Fails a test after which any weight has other bits than before."""
    before = {name: value.clone() for name, value in network.state_dict().items()}
    yield
    assert all(torch.equal(value, before[name]) for name, value in network.state_dict().items())


def matrices(network: Any, layer: str, seed: int = 0) -> tuple[torch.Tensor, torch.Tensor]:
    """A pair of random matrices, down and up, that fits the layer."""
    draw = torch.Generator().manual_seed(seed)
    shape = network.get_submodule(layer).weight.shape
    down = torch.randn(RANK, *shape[1:], generator=draw) * 0.1
    return down, torch.randn(shape[0], RANK, *(1 for _ in shape[2:]), generator=draw) * 0.1


def write(directory: Path, tensors: dict[str, torch.Tensor], name: str = "style", **metadata: str) -> LoRAFile:
    """A LoRA file with those tensors, as `scan` finds it."""
    save_file({key: value.contiguous() for key, value in tensors.items()}, directory / f"{name}.safetensors", metadata)
    return next(found for found in scan(directory) if found.name == name)


def peft(network: Any, *layers: str, prefix: str = "transformer.") -> dict[str, torch.Tensor]:
    """The tensors of a file in diffusers' layout."""
    tensors = {}
    for seed, layer in enumerate(layers):
        down, up = matrices(network, layer, seed)
        tensors |= {f"{prefix}{layer}.lora_A.weight": down, f"{prefix}{layer}.lora_B.weight": up}
    return tensors


def merged_weight(network: Any, layer: str, factor: float, seed: int = 0) -> torch.Tensor:
    """What the layer's weight is to be, by the definition."""
    down, up = matrices(network, layer, seed)
    weight: torch.Tensor = network.get_submodule(layer).weight.detach().clone()
    return weight + factor * (up.flatten(1) @ down.flatten(1)).reshape(weight.shape)


def fault(network: Any, *loras: LoRAFile) -> str:
    """The message that merging fails with, before it touches anything."""
    with pytest.raises(Failure) as raised, merged(network, [(found, 1.0) for found in loras]):
        pass
    assert (raised.value.kind, raised.value.code) == ("invalid_input", "lora_unsupported")
    return raised.value.message


@pytest.mark.parametrize("prefix", ["transformer.", "", "base_model.model.", "diffusion_model."])
def test_the_layout_of_diffusers_is_merged_with_and_without_a_prefix(network: Any, tmp_path: Path, prefix: str) -> None:
    found = write(tmp_path, peft(network, LINEAR, CONV, prefix=prefix))
    expected = [merged_weight(network, LINEAR, 0.5, 0), merged_weight(network, CONV, 0.5, 1)]
    with merged(network, [(found, 0.5)]):
        for layer, weight in zip((LINEAR, CONV), expected, strict=True):
            torch.testing.assert_close(network.get_submodule(layer).weight.data, weight, rtol=0, atol=1e-6)


def test_the_layout_of_kohya_is_merged_with_its_alpha(network: Any, tmp_path: Path) -> None:
    down, up = matrices(network, OUT)
    name = "lora_unet__" + OUT.replace(".", "_")
    tensors = {f"{name}.lora_down.weight": down, f"{name}.lora_up.weight": up, f"{name}.alpha": torch.tensor(2.0)}
    tensors |= {"lora_te_text_model_layers_0.lora_down.weight": torch.zeros(4, 8)}
    found = write(tmp_path, tensors)
    expected = merged_weight(network, OUT, 3.0 * 2.0 / RANK)
    with merged(network, [(found, 3.0)]):
        torch.testing.assert_close(network.get_submodule(OUT).weight.data, expected, rtol=0, atol=1e-6)


@pytest.mark.parametrize(
    ("name", "layer"),
    [
        ("transformer_blocks.2.attn2.to_q", "transformer_blocks.2.attn1.add_q_proj"),
        ("transformer_blocks.2.attn2.to_out.0", "transformer_blocks.2.attn1.to_add_out"),
    ],
)
def test_the_names_of_easyanimates_own_code_are_known(network: Any, tmp_path: Path, name: str, layer: str) -> None:
    down, up = matrices(network, layer)
    key = "lora_unet__" + name.replace(".", "_")
    found = write(tmp_path, {f"{key}.lora_down.weight": down, f"{key}.lora_up.weight": up})
    expected = merged_weight(network, layer, 1.0)
    with merged(network, [(found, 1.0)]):
        torch.testing.assert_close(network.get_submodule(layer).weight.data, expected, rtol=0, atol=1e-6)


def test_the_alpha_in_the_metadata_of_diffusers_counts(network: Any, tmp_path: Path) -> None:
    found = write(tmp_path, peft(network, LINEAR), lora_adapter_metadata=json.dumps({"transformer.lora_alpha": 8}))
    expected = merged_weight(network, LINEAR, 2.0)
    with merged(network, [(found, 1.0)]):
        torch.testing.assert_close(network.get_submodule(LINEAR).weight.data, expected, rtol=0, atol=1e-6)


def test_several_loras_add_up(network: Any, tmp_path: Path) -> None:
    first = write(tmp_path, peft(network, LINEAR), "first")
    second = write(tmp_path, peft(network, LINEAR), "second")
    expected = merged_weight(network, LINEAR, 0.75)
    with merged(network, [(first, 1.0), (second, -0.25)]):
        torch.testing.assert_close(network.get_submodule(LINEAR).weight.data, expected, rtol=0, atol=1e-6)


def test_the_weights_are_restored_after_an_exception_inside(network: Any, tmp_path: Path) -> None:
    found = write(tmp_path, peft(network, LINEAR, OUT))
    with pytest.raises(RuntimeError, match="out of memory"), merged(network, [(found, 4.0)]):
        raise RuntimeError("out of memory")


def test_the_weights_are_restored_after_a_stop_in_the_middle_of_merging(network: Any, tmp_path: Path) -> None:
    found = write(tmp_path, peft(network, LINEAR, OUT, CONV))
    before = {layer: network.get_submodule(layer).weight.detach().clone() for layer in (LINEAR, OUT, CONV)}
    changed: list[int] = []

    def check() -> None:
        changed.append(sum(not torch.equal(network.get_submodule(name).weight, old) for name, old in before.items()))
        if len(changed) == 3:
            raise Cancelled

    with pytest.raises(Cancelled), merged(network, [(found, 1.0)], check=check):
        pass
    assert changed == [0, 1, 2]


def test_in_8_bits_the_sum_is_that_of_the_original_weights(network: Any, tiny: Path, tmp_path: Path) -> None:
    residency = Residency(
        {"transformer": network}, torch.device("cpu"), "transformer", WeightFiles(tiny / "transformer")
    )
    found = write(tmp_path, peft(network, LINEAR))
    expected = merged_weight(network, LINEAR, 1.0).to(torch.float8_e4m3fn).float()
    residency.switch("model_offload_8bit")
    stored = network.get_submodule(LINEAR).weight.data.clone()
    with merged(network, [(found, 1.0)], residency.original), residency.on_device("transformer"):
        weight = network.get_submodule(LINEAR).weight.data
        assert weight.dtype == torch.float8_e4m3fn
        torch.testing.assert_close(weight.float(), expected, rtol=0.13, atol=1e-6)
        assert torch.count_nonzero(weight.float() != expected) < expected.numel() / 1000
    assert torch.equal(network.get_submodule(LINEAR).weight.data.float(), stored.float())
    residency.switch("full")


def test_a_file_for_another_network_is_refused(network: Any, tmp_path: Path) -> None:
    only_text = write(tmp_path, {"text_encoder.a.lora_A.weight": torch.zeros(1, 1)}, "text")
    assert "nothing for this network" in fault(network, only_text)
    other = write(tmp_path, {"transformer.single_blocks.0.q.lora_A.weight": torch.zeros(1, 1)}, "other")
    assert "no layer single_blocks.0.q" in fault(network, other)


def test_a_wrong_shape_is_refused_before_anything_is_touched(network: Any, tmp_path: Path) -> None:
    tensors = peft(network, LINEAR, OUT)
    good = write(tmp_path, tensors, "good")
    tensors[f"transformer.{OUT}.lora_A.weight"] = torch.zeros(RANK, 5)
    assert OUT in fault(network, good, write(tmp_path, tensors, "bad"))


@pytest.mark.parametrize("key", ["{}.hada_w1_a", "{}.dora_scale", "{}.lora_A.bias", "{}.diff"])
def test_a_tensor_of_another_kind_is_refused(network: Any, tmp_path: Path, key: str) -> None:
    tensors = peft(network, LINEAR) | {key.format(f"transformer.{LINEAR}"): torch.zeros(3)}
    assert "of no known kind" in fault(network, write(tmp_path, tensors))


def test_half_a_pair_and_whole_numbers_are_refused(network: Any, tmp_path: Path) -> None:
    tensors = peft(network, LINEAR)
    up = f"transformer.{LINEAR}.lora_B.weight"
    half = write(tmp_path, {key: value for key, value in tensors.items() if key != up}, "half")
    assert "only one of its two" in fault(network, half)
    assert "is of type I32" in fault(network, write(tmp_path, tensors | {up: tensors[up].int()}, "whole"))


def test_other_ways_of_scaling_are_refused(network: Any, tmp_path: Path) -> None:
    metadata = json.dumps({"transformer.use_rslora": True})
    assert "use_rslora" in fault(network, write(tmp_path, peft(network, LINEAR), lora_adapter_metadata=metadata))


def test_a_file_that_has_changed_or_gone_is_refused(network: Any, tmp_path: Path) -> None:
    found = write(tmp_path, peft(network, LINEAR))
    write(tmp_path, peft(network, OUT))
    assert "has changed" in fault(network, found)
    found.file.unlink()
    assert "cannot be read" in fault(network, found)


def test_a_file_that_was_cut_off_is_refused(network: Any, tmp_path: Path) -> None:
    file = write(tmp_path, peft(network, LINEAR)).file
    os.truncate(file, file.stat().st_size - 8)
    assert "is damaged" in fault(network, scan(tmp_path)[0])


def test_a_scan_finds_sound_files_only(network: Any, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    folder, elsewhere = tmp_path / "loras", tmp_path / "elsewhere"
    folder.mkdir()
    elsewhere.mkdir()
    for name in ("b", "a-1.5_x"):
        write(folder, peft(network, LINEAR), name)
    write(elsewhere, peft(network, LINEAR), "secret")
    (folder / "out.safetensors").symlink_to(elsewhere / "secret.safetensors")
    (folder / "in.safetensors").symlink_to("b.safetensors")
    (folder / "dead.safetensors").symlink_to("nothing.safetensors")
    (folder / "bad name.safetensors").write_bytes((folder / "b.safetensors").read_bytes())
    (folder / "text.safetensors").write_text("not safetensors")
    (folder / "pickle.pt").write_bytes(b"")
    (folder / "folder.safetensors").mkdir()
    found = scan(folder)
    assert [entry.name for entry in found] == ["a-1.5_x", "b", "in"]
    assert all(entry.bytes == entry.file.stat().st_size and len(entry.fingerprint) == 64 for entry in found)
    assert capsys.readouterr().err.count("is left out") == 5


def test_a_scan_is_bounded_in_number_and_size(network: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in "abc":
        write(tmp_path, peft(network, LINEAR), name)
    with (tmp_path / "aa.safetensors").open("wb") as file:
        file.truncate(lora.MAX_FILE_BYTES + 1)
    monkeypatch.setattr(lora, "MAX_FILES", 2)
    assert [entry.name for entry in scan(tmp_path)] == ["a", "b"]
