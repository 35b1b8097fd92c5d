"""The contract of a model family: all that the engine does not know about the models that it runs.

A family is two things. `Family` is known without torch: which checkpoints it serves and what they can make. `Adapter`
is one loaded checkpoint: it turns texts into embeddings, a request into a `Generation` that is advanced step by step,
and latents into a video. Everything else is the engine's and the same for all families: loading and sharing components,
memory modes, the loop over the steps, cancelling, checkpoints, previews, the text cache, LoRAs, the step cache, and the
file.

To add a family, write its `Family` and `Adapter` and name it in `registry.FAMILIES`.

- No method may keep state of one generation in the components: a generation may end anywhere by an exception.
- Randomness comes of `torch.Generator("cpu")` with the request's seed, so that every device starts from the same noise.
- The result must be that of the family's own pipeline in diffusers, bit for bit, with weights in mode `full`.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Protocol, TypeAlias

from ..description import Defaults, Limits, MemoryEntry, Size
from ..request import VideoRequest

if TYPE_CHECKING:
    import numpy as np
    import torch
    from numpy.typing import NDArray

Pixels: TypeAlias = "NDArray[np.uint8]"
"""RGB: a picture (height, width, 3) or a video (frames, height, width, 3)."""

INPUTS = ("start_image", "end_image", "video", "control_video", "ref_image")
"""What a request may bring besides text, by the names of the protocol."""

Embeddings = tuple[Any, ...]
"""Tensors of one text, in an order of the adapter's own; what the text cache keeps."""

Denoiser = Callable[..., Any]
"""The denoising network, or what stands for it and is called alike."""

Call: TypeAlias = "dict[str, torch.Tensor]"
"""What the denoiser is to be called with, by the names of its arguments, `hidden_states` and `timestep` among them. The
first dimension of each tensor is the batch, and nothing of the outcome for one item depends on the others."""


@dataclass(frozen=True)
class ComponentKind:
    """What a component of a checkpoint has to be. Anything else could be code of the checkpoint's own."""

    library: str
    """`diffusers` or `transformers`."""
    classes: tuple[str, ...]
    weighted: bool = True
    """Whether it has weights, in safetensors files."""


@dataclass(frozen=True)
class Facts:
    """What is known of a checkpoint before any weight is read."""

    pipeline: str
    """The class in `model_index.json`; one of the family's `pipelines`."""
    configs: Mapping[str, Mapping[str, Any]]
    """The configuration file of each component, by its name; empty where it has none."""
    weight_bytes: Mapping[str, int]
    """The size of the weights of each component that has some, as they are stored."""
    settings: Mapping[str, Any] = field(default_factory=dict)
    """What `model_index.json` says beside the components."""


@dataclass(frozen=True)
class Declaration:
    """What a checkpoint can make, as its family says."""

    limits: Limits
    defaults: Defaults
    sizes: tuple[Size, ...]
    """For requests that name no size; the first ones are preferred where two fit alike."""
    inputs: tuple[str, ...] = ()
    """Those of `INPUTS` that it takes."""
    memory_table: tuple[MemoryEntry, ...] = ()
    step_cache: tuple[float, ...] | None = None
    """Coefficients of TeaCache's polynomial, highest degree first; None: there is no step cache."""


@dataclass(frozen=True)
class LatentGeometry:
    """How latents lie under a video.

    `frames` frames of `width` x `height` pixels are ((frames - 1) / temporal + 1) x (height / spatial) x
    (width / spatial) vectors of `channels` numbers.
    """

    channels: int
    spatial: int
    temporal: int


class Parts(Protocol):
    """The loaded components of one checkpoint."""

    device: torch.device
    """Where the networks compute. Their weights may be elsewhere between two uses."""
    dtype: torch.dtype
    """Of the weights, and of what the networks are given."""
    settings: Mapping[str, Any]
    """As in `Facts`."""

    def get(self, name: str) -> Any:
        """The component, loaded if it is not yet."""


@dataclass(frozen=True)
class Work:
    """One generation, ready for the device."""

    request: VideoRequest
    size: Size
    """To render at; width and height."""
    prompt: Embeddings
    """On the device, as all tensors here."""
    negative_prompt: Embeddings | None
    """None: without guidance."""
    inputs: Mapping[str, Pixels] = field(default_factory=dict)
    """By `INPUTS`; of the size to render at, a video with as many frames as the request."""


class Generation(Protocol):
    """The denoising of one video. Its scheduler is its own."""

    latents: torch.Tensor
    """(1, channels, t, h, w), on the device, as the denoiser sees them."""
    total_steps: int
    """How often `advance` is to be called: what the family's `total_steps` says."""

    def calls(self) -> list[Call]:
        """What the denoiser is to be asked for the next step: one call, or two, the one without the prompt first.

        Two only where the family's own pipeline evaluates the halves of a guided step one after the other. Changes
        nothing. Those of several generations may be put together into one batch.
        """

    def advance(self, answers: Sequence[torch.Tensor]) -> None:
        """Do one step with the denoiser's answers to `calls`: guide, and move `latents`."""

    def expected(self) -> torch.Tensor:
        """The latents after the last step, as the step before this moment lets expect them; for previews."""

    def state(self) -> dict[str, torch.Tensor]:
        """What `restore` needs to go on from here; `latents` among it."""

    def restore(self, step: int, state: Mapping[str, torch.Tensor]) -> None:
        """Go on where `state` was taken, after `step` steps, to the same bits. Called before the first `advance`.

        Raises:
            ValueError: the tensors are not those of this generation. It is as if it had not been called.
        """


class Adapter(Protocol):
    """One loaded checkpoint. For one thread."""

    latent: LatentGeometry

    def check_text(self, name: str, text: str) -> None:
        """See that the model reads all of `text`, which is the request's field `name`. Needs the tokenizer only.

        Raises:
            Failure: kind `invalid_input`, code `prompt_too_long`.
        """

    def encode_text(self, text: str) -> Embeddings:
        """The embeddings of one text. `text_encoder` is on the device."""

    def begin(self, work: Work) -> Generation:
        """Draw the first latents and prepare what the denoiser is told. `vae` is on the device if there are inputs.

        Raises:
            Failure: kind `invalid_input`: the inputs do not go with the request.
        """

    def decode(self, latents: torch.Tensor) -> torch.Tensor:
        """The video of one generation's last latents: (1, 3, frames, height, width), about -1 to 1.

        `vae` is on the device.
        """

    def encode_video(self, video: torch.Tensor) -> torch.Tensor:
        """The latents of (1, 3, frames, height, width), -1 to 1, without drawing. `vae` is on the device."""

    def clear(self) -> None:
        """Forget what a call that was broken off has left in the components.

        Called before and after each generation.
        """


class Family(Protocol):
    """A family of models, without torch."""

    name: str
    pipelines: tuple[str, ...]
    """The classes in `model_index.json` that it serves."""
    components: Mapping[str, ComponentKind]
    """By name: exactly these. `transformer` denoises, `vae` codes videos, `text_encoder` and `tokenizer` read."""

    def declare(self, facts: Facts) -> Declaration:
        """What a checkpoint can make.

        Raises:
            Refused: code `model_unsupported`; the text says what to use instead.
        """

    def total_steps(self, request: VideoRequest, inputs: Collection[str]) -> int:
        """How many steps a generation with inputs of these names takes: at least 1, at most the request's."""

    def adapter(self, parts: Parts) -> Adapter:
        """The adapter of a checkpoint whose components are `parts`. Imports torch."""
