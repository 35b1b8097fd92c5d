"""One model that is loaded: its components, where they are, and what reads its texts."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator, Sequence

from ..compiling import compile_blocks
from ..memory import Residency
from ..modes import Mode
from ..order import Order
from ..peer_process import GuidancePeer, Network
from ..preview import LatentPreview
from ..request import VideoRequest
from ..text_cache import TextCache
from ..tiling import apply_tiling, tiling
from ..weights import WeightFiles
from .adapter import Adapter, Embeddings
from .opening import Checkpoint
from .pair import Pair
from .parts import Components

DENOISER, VAE, TEXT_ENCODER = "transformer", "vae", "text_encoder"


class LoadedModel:
    """All of a checkpoint but, until a text needs it, the text encoder."""

    def __init__(
        self, checkpoint: Checkpoint, components: Components, texts: TextCache, backend: str | None, second: str | None
    ) -> None:
        """Load it; `backend` compiles the denoiser, the device `second` shares guided steps."""
        self.checkpoint = checkpoint
        self.components = components
        self.preview: LatentPreview | None = None
        """Once it is fitted."""
        self._texts = texts
        self.backend = backend
        self._pair: Pair | None = None
        if second is not None:
            network = Network(components.directory / DENOISER, components.classes[DENOISER], components.dtype, backend)
            self._pair = Pair(network, checkpoint.weight_bytes, (str(components.device), second))
        networks = {name: components.get(name) for name in (DENOISER, VAE)}
        files = WeightFiles(components.directory / DENOISER)
        abroad = self._pair.abroad if self._pair else {}
        self.residency = Residency(networks, components.device, DENOISER, files, abroad)
        self.adapter: Adapter = checkpoint.family.adapter(components)

    @property
    def peer(self) -> GuidancePeer | None:
        """What shares guided steps in the mode at hand."""
        mode = self.residency.mode
        return self._pair.peer(mode) if self._pair and mode else None

    @property
    def is_spread(self) -> bool:
        """Whether a network is on another device than the denoiser in the mode `full`."""
        return self._pair is not None and bool(self._pair.abroad)

    def is_ready(self, *orders: Order) -> bool:
        """Whether nothing is to be loaded or moved for a pass of `orders`."""
        mode = orders[0].memory_mode
        has_texts = self.components.holds(TEXT_ENCODER) or not self._missing(*orders)
        has_pair = self._pair is None or self._pair.is_ready(mode)
        return self.residency.mode == mode and has_texts and has_pair

    def settle(self, *orders: Order) -> None:
        """Bring everything to where the memory mode of a pass wants it, with the text encoder if it is needed."""
        mode = orders[0].memory_mode
        if self._pair is not None:
            self._pair.settle(mode)
        self.residency.switch(mode)
        if not self.components.holds(TEXT_ENCODER) and self._missing(*orders):
            self.residency.add(TEXT_ENCODER, self.components.get(TEXT_ENCODER))
        if self.backend is not None:
            compile_blocks(self.components.get(DENOISER), self.backend, mode)
        if self.peer is not None:
            self.peer.wait_until_ready(lambda: None)

    def park(self) -> None:
        """Move all weights to the machine's memory. Until `settle` it is not ready for anything that needs moving."""
        self.residency.park()
        if self._pair is not None:
            self._pair.close()

    def shares_networks_with(self, other: LoadedModel) -> bool:
        """Whether both have a network in common, so that they cannot be in two modes."""
        return bool(self._network_ids() & other._network_ids())

    def tile(self, mode: Mode, width: int, height: int) -> None:
        """Have the VAE work in tiles where the mode needs it for this size."""
        apply_tiling(self.components.get(VAE), tiling(mode, width, height))

    @contextlib.contextmanager
    def on_device(self, *names: str) -> Iterator[None]:
        """As `Residency.on_device`."""
        with self.residency.on_device(*names):
            yield

    def embeddings(
        self, orders: Sequence[Order], visit: Callable[[], None]
    ) -> list[tuple[Embeddings, Embeddings | None]]:
        """Of each, those of the prompt and, if it is guided, of the negative prompt, on the device.

        `visit` is called behind each; what it raises ends the reading.
        """
        both: list[tuple[Embeddings, Embeddings | None]] = []
        with self.on_device(TEXT_ENCODER) if self._missing(*orders) else contextlib.nullcontext():
            for order in orders:
                found = [self._embeddings(text) for text in _texts(order.request)]
                both.append((found[0], found[1] if len(found) > 1 else None))
                visit()
        return both

    def close(self) -> None:
        """End what would go on without it."""
        if self._pair is not None:
            self._pair.close()

    def _embeddings(self, text: str) -> Embeddings:
        known = self._texts.get(self._reader(), text)
        if known is None:
            known = self.adapter.encode_text(text)
            self._texts.put(self._reader(), text, known)
        return tuple(tensor.to(self.components.device) for tensor in known)

    def _missing(self, *orders: Order) -> bool:
        texts = {text for order in orders for text in _texts(order.request)}
        return any(self._texts.get(self._reader(), text) is None for text in texts)

    def _reader(self) -> str:
        """Tells apart whatever gives other embeddings."""
        prints = self.components.fingerprints
        return f"{self.checkpoint.family.name} {prints[TEXT_ENCODER]} {prints['tokenizer']} {self.components.dtype}"

    def _network_ids(self) -> set[int]:
        names = (DENOISER, VAE, TEXT_ENCODER)
        return {id(self.components.get(name)) for name in names if self.components.holds(name)}


def _texts(request: VideoRequest) -> list[str]:
    """What is read for `request`: without guidance, its prompt alone."""
    return [request.prompt, request.negative_prompt] if request.guidance_scale > 1 else [request.prompt]
