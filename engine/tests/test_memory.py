"""The memory modes on the tiny networks. Moves to a device need one; on the CPU everything else is tested."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import torch
from diffusers import AutoencoderKLMagvit, EasyAnimateTransformer3DModel
from transformers import Qwen2VLForConditionalGeneration

from animato_engine.errors import Failure
from animato_engine.memory import Residency, _Home, free_bytes, release
from animato_engine.modes import MODES, Mode, supported_modes
from animato_engine.tiling import Tiling, apply_tiling, tiling
from animato_engine.weights import WeightFiles

CPU = torch.device("cpu")
AWAY = torch.device("cuda:0")
needs_cuda = pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a CUDA device")


def load_transformer(tiny: Path) -> Any:
    return EasyAnimateTransformer3DModel.from_pretrained(tiny / "transformer", dtype=torch.float32)


@pytest.fixture
def networks(tiny: Path) -> dict[str, Any]:
    """All three, freshly loaded."""
    encoder = Qwen2VLForConditionalGeneration.from_pretrained(tiny / "text_encoder", dtype=torch.float32)
    vae = AutoencoderKLMagvit.from_pretrained(tiny / "vae", dtype=torch.float32)
    return {"text_encoder": encoder.eval(), "transformer": load_transformer(tiny), "vae": vae}


def residency(networks: dict[str, Any], tiny: Path, device: torch.device = CPU) -> Residency:
    return Residency(networks, device, "transformer", WeightFiles(tiny / "transformer"))


@torch.no_grad()
def denoise(transformer: Any) -> torch.Tensor:
    draw = torch.Generator().manual_seed(3)
    latents, text = torch.randn(2, 16, 3, 8, 8, generator=draw), torch.randn(2, 32, 128, generator=draw)
    result: torch.Tensor = transformer(latents, torch.tensor([700.0, 700.0]), encoder_hidden_states=text)[0]
    return result


@torch.no_grad()
def use_all(networks: dict[str, Any], held: Residency) -> list[torch.Tensor]:
    """What each network gives while it is on the device."""
    with held.on_device("text_encoder"):
        encoded = networks["text_encoder"](torch.arange(40)[None]).logits
    with held.on_device("transformer"):
        denoised = denoise(networks["transformer"])
    with held.on_device("vae"):
        networks["vae"]._clear_conv_cache()
        decoded = networks["vae"].decode(denoised[:1])[0]
    return [encoded, denoised, decoded]


def places(network: Any) -> set[str]:
    return {tensor.device.type for tensor in (*network.parameters(), *network.buffers())}


def same_bits(first: dict[str, torch.Tensor], second: dict[str, torch.Tensor]) -> bool:
    return first.keys() == second.keys() and all(
        value.dtype == second[name].dtype and torch.equal(value, second[name]) for name, value in first.items()
    )


def test_modes_are_fastest_first_and_a_cpu_has_two() -> None:
    assert MODES == ("full", "model_offload", "model_offload_8bit", "sequential_offload")
    assert supported_modes("cuda") == MODES
    assert supported_modes("cpu") == ("full", "model_offload_8bit")


def test_every_mode_but_8_bits_gives_the_same_and_full_does_so_after_each(networks: dict[str, Any], tiny: Path) -> None:
    held = residency(networks, tiny)
    held.switch("full")
    expected = use_all(networks, held)
    before = {name: value.clone() for name, value in networks["transformer"].state_dict().items()}
    for mode in (*MODES[1:], "full"):
        held.switch(mode)
        assert held.mode == mode
        results = use_all(networks, held)
        same = [torch.equal(result, wanted) for result, wanted in zip(results, expected, strict=True)]
        # What is decoded follows from what was denoised.
        assert same == ([True, False, False] if mode == "model_offload_8bit" else [True, True, True])
    assert same_bits(networks["transformer"].state_dict(), before)


def test_8_bits_give_what_diffusers_gives(networks: dict[str, Any], tiny: Path) -> None:
    reference = load_transformer(tiny)
    reference.enable_layerwise_casting(storage_dtype=torch.float8_e4m3fn, compute_dtype=torch.float32)
    held = residency(networks, tiny)
    held.switch("model_offload_8bit")
    assert same_bits(networks["transformer"].state_dict(), reference.state_dict())
    with held.on_device("transformer"):
        assert torch.equal(denoise(networks["transformer"]), denoise(reference))


def test_8_bits_take_much_less_than_float32(networks: dict[str, Any], tiny: Path) -> None:
    def size() -> int:
        return sum(value.nbytes for value in networks["transformer"].state_dict().values())

    before = size()
    residency(networks, tiny).switch("model_offload_8bit")
    # The modulations by the time, which stay as they are, are a larger part of this network than of a real one.
    assert size() < 0.6 * before


@needs_cuda
@pytest.mark.parametrize("mode", ["model_offload", "model_offload_8bit"])
def test_with_offload_one_network_at_a_time_is_on_the_device(networks: dict[str, Any], tiny: Path, mode: Mode) -> None:
    held = residency(networks, tiny, AWAY)
    held.switch(mode)
    before = {name: value.clone() for name, value in networks["vae"].state_dict().items()}
    for name, network in networks.items():
        with held.on_device(name):
            assert places(network) == {"cuda"}
            assert all(places(other) == {"cpu"} for key, other in networks.items() if key != name)
        assert places(network) == {"cpu"}
    assert same_bits(networks["vae"].state_dict(), before)


@needs_cuda
def test_a_network_leaves_the_device_after_an_error(networks: dict[str, Any], tiny: Path) -> None:
    held = residency(networks, tiny, AWAY)
    held.switch("model_offload")
    with pytest.raises(RuntimeError, match="out of memory"), held.on_device("transformer"):
        raise RuntimeError("out of memory")
    assert places(networks["transformer"]) == {"cpu"}


def test_with_offload_a_network_comes_when_it_is_needed_and_leaves_also_after_an_error(
    networks: dict[str, Any], tiny: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    held = residency(networks, tiny)
    moves: list[str] = []
    for move in ("bring", "leave"):
        plain = getattr(_Home, move)
        monkeypatch.setattr(_Home, move, lambda *given, m=move, p=plain: (moves.append(m), p(*given)))
    held.switch("model_offload")
    with held.on_device("text_encoder", "vae"):
        assert moves == ["bring", "bring"]
    assert moves == ["bring", "bring", "leave", "leave"]
    with pytest.raises(RuntimeError, match="out of memory"), held.on_device("transformer"):
        raise RuntimeError("out of memory")
    assert moves[4:] == ["bring", "leave"]


@pytest.mark.parametrize("mode", ["model_offload_8bit", "sequential_offload"])
def test_a_layer_that_fails_leaves_its_weights_stored(networks: dict[str, Any], tiny: Path, mode: Mode) -> None:
    transformer = networks["transformer"]
    held = residency(networks, tiny)
    held.switch("full")
    expected = denoise(transformer)
    held.switch(mode)
    stored = {name: value.clone() for name, value in transformer.state_dict().items()}

    def fail(module: Any, arguments: Any) -> None:
        raise RuntimeError("out of memory")

    handle = transformer.transformer_blocks[1].attn1.to_q.register_forward_pre_hook(fail)
    with pytest.raises(RuntimeError, match="out of memory"), held.on_device("transformer"):
        denoise(transformer)
    handle.remove()
    assert same_bits(transformer.state_dict(), stored)
    held.switch("full")
    assert torch.equal(denoise(transformer), expected)


@needs_cuda
def test_in_sequential_offload_only_the_layer_at_work_is_on_the_device(networks: dict[str, Any], tiny: Path) -> None:
    transformer = networks["transformer"]
    held = residency(networks, tiny, AWAY)
    held.switch("sequential_offload")
    layer, seen = transformer.proj_out, []
    layer.register_forward_hook(lambda module, given, result: seen.append((places(layer), places(transformer))))
    with held.on_device("transformer"):
        layer(torch.empty(1, layer.in_features, device=AWAY))
    assert seen == [({"cuda"}, {"cpu", "cuda"})]
    assert places(transformer) == {"cpu"}


def test_a_switch_that_fails_can_be_made_again(
    networks: dict[str, Any], tiny: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    held = residency(networks, tiny)
    held.switch("full")
    expected = use_all(networks, held)
    held.switch("model_offload_8bit")
    read, reads = WeightFiles.read, iter(range(3))

    def fail(self: WeightFiles, name: str) -> Any:
        if next(reads, None) is None:
            raise MemoryError
        return read(self, name)

    with monkeypatch.context() as patch:
        patch.setattr(WeightFiles, "read", fail)
        with pytest.raises(MemoryError):
            held.switch("full")
    assert held.mode is None
    with pytest.raises(RuntimeError, match="no memory mode"), held.on_device("vae"):
        pass
    held.switch("full")
    assert all(torch.equal(a, b) for a, b in zip(use_all(networks, held), expected, strict=True))


def test_weights_of_other_files_are_never_read(networks: dict[str, Any], tiny: Path, tmp_path: Path) -> None:
    copy = tmp_path / "transformer"
    shutil.copytree(tiny / "transformer", copy)
    held = Residency(networks, CPU, "transformer", WeightFiles(copy))
    held.switch("model_offload_8bit")
    file = next(copy.glob("*.safetensors"))
    os.utime(file, ns=(1, 1))
    with pytest.raises(Failure) as raised:
        held.switch("full")
    assert (raised.value.kind, raised.value.code) == ("load_failed", "model_changed")
    file.unlink()
    with pytest.raises(Failure):
        held.switch("full")


def test_weights_are_read_from_shards(networks: dict[str, Any], tmp_path: Path) -> None:
    transformer = networks["transformer"]
    transformer.save_pretrained(tmp_path, max_shard_size="5MB")
    assert len(list(tmp_path.glob("*.safetensors"))) > 2
    files = WeightFiles(tmp_path)
    assert all(torch.equal(files.read(name), value) for name, value in transformer.state_dict().items())


@pytest.mark.parametrize(
    ("mode", "size", "tiles"),
    [
        ("full", (4096, 4096), None),
        ("model_offload", (1344, 768), None),
        ("model_offload_8bit", (672, 384), None),
        ("model_offload_8bit", (1344, 768), Tiling(512, 448)),
        ("sequential_offload", (672, 384), Tiling(256, 224)),
        ("sequential_offload", (112, 64), None),
    ],
)
def test_tiles_are_for_the_lower_modes_and_large_frames(
    mode: Mode, size: tuple[int, int], tiles: Tiling | None
) -> None:
    assert tiling(mode, *size) == tiles


@pytest.fixture
def vae(networks: dict[str, Any]) -> Iterator[Any]:
    yield networks["vae"]


@torch.no_grad()
def test_tiles_are_put_on_and_taken_off(vae: Any) -> None:
    latents = torch.randn(1, 16, 2, 8, 24, generator=torch.Generator().manual_seed(1))

    def decode() -> torch.Tensor:
        vae._clear_conv_cache()
        video: torch.Tensor = vae.decode(latents)[0]
        return video

    whole = decode()
    apply_tiling(vae, Tiling(64, 56))
    tiled = decode()
    assert tiled.shape == whole.shape and not torch.equal(tiled, whole)
    apply_tiling(vae, None)
    assert torch.equal(decode(), whole)


def test_released_memory_counts_as_free() -> None:
    release(CPU)
    before = free_bytes(CPU)
    held = [torch.ones(1 << 20) for _ in range(64)]
    during = free_bytes(CPU)
    del held
    release(CPU)
    after = free_bytes(CPU)
    assert before and during and after
    assert before - during > 200 << 20
    assert before - after < 16 << 20
