"""Two real processes on this processor: what they make together, and what becomes of it when one of them fails."""

from __future__ import annotations

import os
import signal
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch
from diffusers import EasyAnimatePipeline

from animato_engine import lora
from animato_engine.errors import Cancelled, Failure
from animato_engine.parallel import GuidancePair, split
from animato_engine.peer_process import Bounds, GuidancePeer, Network
from harness import wait_until_gone

BOUNDS = Bounds(prepare=120, step=120, drop=4, send=10)
PATIENT = 2.0


def never() -> None:
    """A check that finds nothing."""


@pytest.fixture(scope="module")
def network(tiny: Path) -> Network:
    """The tiny transformer, as a peer loads it."""
    return Network(tiny / "transformer", "EasyAnimateTransformer3DModel", torch.float32)


@pytest.fixture(scope="module")
def pipeline(tiny: Path) -> Any:
    """The tiny pipeline in this process."""
    loaded = EasyAnimatePipeline.from_pretrained(tiny, dtype=torch.float32)
    loaded.set_progress_bar_config(disable=True)
    return loaded


@pytest.fixture(scope="module")
def peer(network: Network) -> Iterator[GuidancePeer]:
    """A peer that may be killed: whoever uses it prepares it, which starts it again."""
    peer = GuidancePeer(network, "cpu", BOUNDS)
    yield peer
    peer.close()


def ready(peer: GuidancePeer, mode: str = "full", loras: Any = ()) -> int:
    """Prepare `peer` and give its process id."""
    peer.prepare(mode, loras)
    peer.wait_until_ready(never)
    assert peer.pid is not None
    return peer.pid


def inputs(batch: int = 2) -> dict[str, Any]:
    """A guided call of the transformer."""
    generator = torch.Generator().manual_seed(3)
    latents = torch.randn(1, 16, 2, 8, 8, generator=generator)
    return {
        "hidden_states": torch.cat([latents] * batch),
        "timestep": torch.tensor([500.0] * batch),
        # Few: a whole call fits into the buffer of a socket, and so goes to a peer that is stopped.
        "encoder_hidden_states": torch.randn(batch, 32, 128, generator=generator),
    }


def latents_of(pipeline: Any, transformer: Any, on_step: Callable[[int], None] = lambda step: None) -> Any:
    """The latents that the stock pipeline makes with `transformer` in the place of its own calls."""

    def after_step(pipe: Any, index: int, timestep: Any, tensors: Any) -> dict[str, Any]:
        on_step(index + 1)
        return {}

    own = pipeline.transformer.forward
    stand_in = transformer(own)
    pipeline.transformer.forward = stand_in
    try:
        return pipeline(
            prompt="a cat on the grass",
            negative_prompt="rain",
            width=64,
            height=64,
            num_frames=5,
            num_inference_steps=4,
            guidance_scale=3.0,
            generator=torch.Generator().manual_seed(1),
            output_type="latent",
            callback_on_step_end=after_step,
            callback_on_step_end_tensor_inputs=[],
        ).frames
    finally:
        del pipeline.transformer.forward


def test_two_processes_make_the_video_of_one_within_1e_4(pipeline: Any, peer: GuidancePeer) -> None:
    ready(peer)
    alone = latents_of(pipeline, lambda own: own)
    together = latents_of(pipeline, lambda own: GuidancePair(own, peer, never))
    assert not torch.equal(alone, torch.zeros_like(alone))
    assert (alone - together).abs().max() < 1e-4


def test_a_call_without_guidance_is_made_alone(pipeline: Any, network: Network) -> None:
    idle = GuidancePeer(network, "cpu", BOUNDS)
    given = inputs(batch=1)
    with torch.no_grad():
        (made,) = GuidancePair(pipeline.transformer, idle, never)(**given)
        assert torch.equal(made, pipeline.transformer(**given, return_dict=False)[0])
    assert idle.pid is None


def test_the_peer_stores_its_weights_in_8_bits_when_the_engine_does(pipeline: Any, peer: GuidancePeer) -> None:
    given = inputs()
    with torch.no_grad():
        pair = GuidancePair(pipeline.transformer, peer, never)
        ready(peer)
        (exact,) = pair(**given)
        ready(peer, "model_offload_8bit")
        (rounded,) = pair(**given)
        ready(peer)
        (again,) = pair(**given)
    assert torch.equal(exact[1], rounded[1])
    assert 0 < (exact[0] - rounded[0]).abs().max() < 1
    assert torch.equal(exact, again)


def test_the_peer_merges_the_loras_of_one_generation_and_takes_them_out_again(
    pipeline: Any, peer: GuidancePeer, tmp_path: Path
) -> None:
    from safetensors.torch import save_file

    layer = "transformer_blocks.0.attn1.to_q"
    width = pipeline.transformer.get_submodule(layer).weight.shape[0]
    generator = torch.Generator().manual_seed(5)
    down, up = (torch.randn(*shape, generator=generator) for shape in ((2, width), (width, 2)))
    save_file({f"{layer}.lora_A.weight": down, f"{layer}.lora_B.weight": up}, tmp_path / "style.safetensors")
    [file] = lora.scan(tmp_path)
    given = inputs()
    with torch.no_grad():
        pair = GuidancePair(pipeline.transformer, peer, never)
        ready(peer)
        (plain,) = pair(**given)
        ready(peer, loras=[(file, 0.5)])
        with lora.merged(pipeline.transformer, [(file, 0.5)]):
            (merged,) = pair(**given)
            (alone,) = pipeline.transformer(**given, return_dict=False)
        ready(peer)
        (again,) = pair(**given)
    assert (merged - alone).abs().max() < 1e-4
    assert (merged - plain).abs().max() > 1e-3
    assert torch.equal(plain, again)


def test_an_error_in_the_peer_is_reported_in_its_own_words_and_the_peer_stays(
    pipeline: Any, peer: GuidancePeer
) -> None:
    pid = ready(peer)
    wrong = split(inputs())[0]
    wrong["encoder_hidden_states"] = torch.zeros(1, 256, 3)
    peer.begin(wrong)
    with pytest.raises(Failure) as caught:
        peer.finish(never)
    assert caught.value.kind == "internal"
    assert "RuntimeError" in caught.value.message
    assert ready(peer) == pid


def test_a_cancel_in_the_own_half_leaves_the_peer_ready(pipeline: Any, peer: GuidancePeer) -> None:
    pid = ready(peer)
    given = inputs()

    def cancelled(**given: Any) -> Any:
        raise Cancelled

    with torch.no_grad():
        (before,) = GuidancePair(pipeline.transformer, peer, never)(**given)
        with pytest.raises(Cancelled):
            GuidancePair(cancelled, peer, never)(**given)
        (after,) = GuidancePair(pipeline.transformer, peer, never)(**given)
    assert torch.equal(before, after)
    assert peer.pid == pid


def test_a_half_that_nobody_wants_is_given_up_between_two_blocks(pipeline: Any, peer: GuidancePeer) -> None:
    pid = ready(peer)
    # Each block takes a good part of a second.
    peer.begin({**split(inputs())[0], "hidden_states": torch.zeros(1, 16, 4, 64, 64)})
    peer._send_drop()
    assert peer._answer(BOUNDS.step, never).fields["type"] == "dropped"
    assert ready(peer) == pid


def test_a_peer_killed_while_it_is_waited_for_is_noticed_at_once(pipeline: Any, peer: GuidancePeer) -> None:
    pid = ready(peer)
    os.kill(pid, signal.SIGSTOP)
    peer.begin(split(inputs())[0])
    os.kill(pid, signal.SIGKILL)
    with pytest.raises(Failure) as caught:
        peer.finish(never)
    assert caught.value.code == "peer_lost"


def test_a_peer_killed_in_the_middle_ends_the_generation_and_is_started_again(
    pipeline: Any, peer: GuidancePeer
) -> None:
    pid = ready(peer)

    def kill(step: int) -> None:
        if step == 2:
            os.kill(pid, signal.SIGKILL)

    with pytest.raises(Failure) as caught:
        latents_of(pipeline, lambda own: GuidancePair(own, peer, never), kill)
    assert (caught.value.kind, caught.value.code) == ("internal", "peer_lost")
    assert ready(peer) != pid
    assert latents_of(pipeline, lambda own: GuidancePair(own, peer, never)) is not None


def test_a_peer_that_ended_while_it_was_idle_is_started_again(peer: GuidancePeer) -> None:
    pid = ready(peer)
    os.kill(pid, signal.SIGKILL)
    wait_until_gone(pid, PATIENT)
    assert peer.mode is None
    assert ready(peer) != pid


def test_a_cancel_while_the_peer_is_waited_for_ends_the_wait(pipeline: Any, peer: GuidancePeer) -> None:
    pid = ready(peer)
    os.kill(pid, signal.SIGSTOP)

    def cancel() -> None:
        raise Cancelled

    with pytest.raises(Cancelled), torch.no_grad():
        GuidancePair(pipeline.transformer, peer, cancel)(**inputs())
    # It did not give up in time either.
    assert peer.pid is None
    wait_until_gone(pid, PATIENT)


def test_a_cancel_while_the_network_is_loaded_does_not_wait_and_keeps_what_was_loaded(peer: GuidancePeer) -> None:
    peer.close()

    def cancel() -> None:
        raise Cancelled

    peer.prepare("full")
    with pytest.raises(Cancelled):
        peer.wait_until_ready(cancel)
    pid = peer.pid
    assert pid is not None
    assert peer.mode is None
    # The answers to the first one come before those to the second.
    assert ready(peer, "model_offload_8bit") == pid
    assert peer.mode == "model_offload_8bit"


def test_the_peer_compiles_its_blocks_when_the_engine_does(pipeline: Any, network: Network) -> None:
    compiled = GuidancePeer(replace(network, backend="eager"), "cpu", BOUNDS)
    ready(compiled)
    given = inputs()
    with torch.no_grad():
        (made,) = GuidancePair(pipeline.transformer, compiled, never)(**given)
        (alone,) = pipeline.transformer(**given, return_dict=False)
        ready(compiled, "model_offload_8bit")
        (rounded,) = GuidancePair(pipeline.transformer, compiled, never)(**given)
    compiled.close()
    assert (made - alone).abs().max() < 1e-4
    assert not torch.equal(made[0], rounded[0])


def test_what_is_no_guided_batch_is_refused(pipeline: Any, peer: GuidancePeer) -> None:
    pair = GuidancePair(pipeline.transformer, peer, never)
    with pytest.raises(ValueError, match="no guided batch"):
        pair(**inputs(batch=3))
    with pytest.raises(ValueError, match="no guided batch"):
        pair(**inputs(), attention_kwargs={"scale": 1})
