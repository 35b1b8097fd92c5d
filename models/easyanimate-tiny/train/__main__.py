"""`python -m train COMMAND DIRECTORY`, from models/easyanimate-tiny: one step of the training each."""

from __future__ import annotations

import importlib
import os
import sys
from pathlib import Path

import torch

COMMANDS = ("sprites", "basis", "begin", "transformer", "decoder", "judge", "export", "evaluate")


def main() -> int:
    """Carry out the command line and give the exit status."""
    command = sys.argv[1] if len(sys.argv) > 1 else ""
    if command not in COMMANDS:
        print(f"usage: python -m train {'|'.join(COMMANDS)} DIRECTORY [--help]", file=sys.stderr)
        return 2
    torch.set_num_threads(int(os.environ.get("OMP_NUM_THREADS", "1")))
    if command == "basis":
        from .basis import fit

        directory = Path(sys.argv[2])
        directory.mkdir(parents=True, exist_ok=True)
        fit().save(directory / "basis.pt")
        return 0
    importlib.import_module(f".{command}", __package__).main(sys.argv[2:])
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
