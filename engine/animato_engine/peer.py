"""The peer process of `parallel`: holds a denoising network on a second device and is called over a socket.

`python -m animato_engine.peer`, started by an engine only; standard input is the socket. Each command gets one answer:

| Command | Fields | Answer |
| --- | --- | --- |
| `prepare` | `network` (`directory`, `class_name`, `dtype`, `backend`, `device`), `mode`, `loras` | `ready` |
| `evaluate` | tensors: the inputs of the network by name | `result` with the tensor `output` |
| `drop` | | none of its own: ends the command before it, or comes too late and is ignored |

Instead of each there may be `dropped`, or `failed` with `kind`, `code` and `message`. The peer never sees a prompt,
only what the text encoder made of it. It ends with the socket, and the kernel kills it when the engine dies.
"""

from __future__ import annotations

import contextlib
import os
import signal
from pathlib import Path
from typing import Any

from . import process
from .errors import EX_FAILURE, EX_OK, Cancelled, Failure, classify, is_out_of_memory, traceback_text
from .tensor_channel import TensorChannel, TensorMessage

NETWORKS = ("EasyAnimateTransformer3DModel", "WanTransformer3DModel")
"""The classes of diffusers that may be loaded."""

_SEND_SECONDS = 600.0
"""An engine that does not take an answer for so long will not come back for it."""


def main() -> int:
    """Serve until the engine closes the socket, and give the exit status."""
    process.die_with_parent()
    # They are for the engine, which may need one more step to end well.
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, signal.SIG_IGN)
    channel = TensorChannel(process.take_channel())
    evaluator = _Evaluator(channel)
    try:
        while (message := channel.receive()) is not None:
            if message.fields["type"] != "drop":
                channel.send(*_answer(evaluator, message), _SEND_SECONDS)
    except OSError:
        process.log("the engine is gone; its peer exits")
    return EX_OK


def _answer(evaluator: _Evaluator, message: TensorMessage) -> tuple[dict[str, Any], dict[str, Any]]:
    """Carry out one command and give the answer; every error becomes one."""
    try:
        if message.fields["type"] == "prepare":
            evaluator.prepare(message.fields)
            return {"type": "ready"}, {}
        return {"type": "result"}, {"output": evaluator.evaluate(message.tensors)}
    except Cancelled:
        answer = {"type": "dropped"}
    except Exception as error:
        process.log(traceback_text(error, []))
        failure = classify(error, [])
        answer = {"type": "failed", "kind": failure.kind, "code": failure.code, "message": failure.message}
    # Only here, after the handler, is the traceback gone, and with it the tensors of the call.
    evaluator.recover()
    return answer, {}


def resident_mode(mode: str) -> str:
    """The memory mode of the peer while the engine is in `mode`.

    The network has this device for itself: where the engine has its components take turns on the device, nothing has to
    make way here.
    """
    return "full" if mode == "model_offload" else mode


class _Evaluator:
    """The network, on its device from one `prepare` to the next."""

    def __init__(self, channel: TensorChannel) -> None:
        self._channel = channel
        self._network: Any = None
        self._residency: Any = None
        self._device: Any = None
        self._prepared: tuple[Any, Any] | None = None
        self._use = contextlib.ExitStack()

    def prepare(self, fields: dict[str, Any]) -> None:
        """Load the network unless it is, and bring it into the mode and merge the LoRAs that `fields` ask for."""
        from . import lora
        from .compiling import compile_blocks

        wanted = (fields["mode"], fields["loras"])
        if wanted == self._prepared:
            return
        self._prepared = None
        # What the last use has merged is taken out first.
        self._use.close()
        if self._network is None:
            self._load(fields["network"])
        mode, backend = resident_mode(fields["mode"]), fields["network"]["backend"]
        self._residency.switch(mode)
        if backend is not None:
            compile_blocks(self._network, backend, mode)
        files = [(_lora_file(entry), float(entry["scale"])) for entry in fields["loras"]]
        with contextlib.ExitStack() as use:
            merged = lora.merged(self._network, files, self._residency.original, self._device, self._stop_if_dropped)
            use.enter_context(merged)
            use.enter_context(self._residency.on_device("transformer"))
            self._use = use.pop_all()
        self._prepared = wanted

    def evaluate(self, tensors: dict[str, Any]) -> Any:
        """The network's output for `tensors`; `Cancelled` once the engine wants it no more."""
        import torch

        if self._prepared is None:
            raise RuntimeError("nothing is prepared")
        with torch.no_grad():
            inputs = {name: tensor.to(self._device) for name, tensor in tensors.items()}
            return self._network(**inputs, return_dict=False)[0].cpu()

    def recover(self) -> None:
        """Give back what a call that failed held on the device."""
        if self._device is not None:
            from . import memory

            memory.release(self._device)

    def _load(self, network: dict[str, Any]) -> None:
        try:
            if network["class_name"] not in NETWORKS:
                raise ValueError(f"no such network: {network['class_name']}")
            import diffusers
            import torch

            from .memory import Residency
            from .weights import WeightFiles

            diffusers.utils.logging.disable_progress_bar()
            diffusers.utils.logging.set_verbosity_error()
            directory = Path(network["directory"])
            weights = WeightFiles(directory)
            loaded = getattr(diffusers, network["class_name"]).from_pretrained(
                directory,
                torch_dtype=getattr(torch, network["dtype"]),
                use_safetensors=True,
                local_files_only=True,
            )
        except ImportError as error:
            raise Failure("load_failed", "dependencies_missing", f"{type(error).__name__}: {error}") from error
        except Exception as error:
            if is_out_of_memory(error):
                raise
            raise Failure("load_failed", "model_load_failed", f"{type(error).__name__}: {error}") from error
        loaded.eval()
        self._device = torch.device(network["device"])
        self._residency = Residency({"transformer": loaded}, self._device, "transformer", weights)
        # A compiler would follow the hooks; then a half that nobody wants is finished.
        if network["backend"] is None:
            for module in loaded.modules():
                if isinstance(module, torch.nn.ModuleList):
                    for block in module:
                        block.register_forward_pre_hook(lambda *_: self._stop_if_dropped())
        self._network = loaded

    def _stop_if_dropped(self) -> None:
        # While a command is carried out nothing arrives but a `drop`, or the end.
        if self._channel.has_news():
            raise Cancelled


def _lora_file(entry: dict[str, Any]) -> Any:
    """The `LoRAFile` that the engine has found under this name."""
    from .lora import LoRAFile

    return LoRAFile(entry["name"], entry["fingerprint"], entry["bytes"], Path(entry["file"]))


if __name__ == "__main__":
    status = EX_FAILURE
    os.environ["HF_HUB_OFFLINE"] = "1"
    try:
        status = main()
    except Exception as error:
        process.log(traceback_text(error, []))
    # Not by way of the interpreter's own end: tearing torch down takes seconds.
    process.leave(status)
