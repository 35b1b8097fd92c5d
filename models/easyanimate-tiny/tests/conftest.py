"""Makes `build` and `train` importable, and keeps to one core."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import torch

os.environ["HF_HUB_OFFLINE"] = "1"
sys.path.insert(0, str(Path(__file__).parents[1]))
torch.set_num_threads(1)
