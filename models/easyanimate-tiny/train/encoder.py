"""The VAE's encoder, written down instead of trained: the network carries out the linear map of `basis`.

Residual branches are silent; strided convolutions gather pixels without loss, then keep the principal components of
2 x 4 x 4 pixel blocks, then fit the latents by least squares. The last normalisation and SiLU are made linear: every
value goes through as a pair of opposite signs (SiLU(x) - SiLU(-x) = x), beside large constants that fix the scale.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from diffusers.models.autoencoders.autoencoder_kl_magvit import EasyAnimateResidualBlock3D

from .basis import CHANNELS, FREEDOM, Basis, to_tensor
from .world import TRAINED, Shape, draw_any

CONSTANT = 60.0
"""Against values of about 1: group norm then divides by nearly the same number everywhere."""
LOG_VARIANCE = -9.0


def examples(random: np.random.Generator) -> list[Any]:
    """Clips that the map is fitted on, (n, 3, frames, h, w): scenes, masks, and scenes with a black rest."""
    result = []
    for shape, count in ((Shape(64, 64, 9), 36), (Shape(112, 64, 17), 24)):
        clips = []
        for index in range(count):
            video, mask = draw_any(TRAINED[random.integers(len(TRAINED))], shape, random, FREEDOM)
            clip = np.repeat(mask, 3, -1) if index % 6 == 4 else video.copy()
            if index % 6 == 5:
                clip[1:] = 0
            clips.append(clip)
        result.append(to_tensor(clips))
    return result


def _fold_space(x: Any) -> Any:
    """(n, c, t, h, w) to (n, 4c, t, h/2, w/2)."""
    n, c, t, h, w = x.shape
    return x.view(n, c, t, h // 2, 2, w // 2, 2).permute(0, 1, 4, 6, 2, 3, 5).reshape(n, c * 4, t, h // 2, w // 2)


def _fold(x: Any) -> Any:
    """(n, c, t, h, w) to (n, 8c, t/2, h/2, w/2), the first frame doubled as the causal convolution does."""
    x = _fold_space(x)
    x = torch.cat([x[:, :, :1], x], 2)
    n, c, t, h, w = x.shape
    return x.view(n, c, t // 2, 2, h, w).permute(0, 1, 3, 2, 4, 5).reshape(n, c * 2, t // 2, h, w)


def _rows(tensors: list[Any]) -> Any:
    return torch.cat([tensor.movedim(1, -1).reshape(-1, tensor.shape[1]) for tensor in tensors])


@torch.no_grad()  # type: ignore[untyped-decorator, unused-ignore]
def write_encoder(vae: Any, basis: Basis, seed: int = 21) -> float:
    """Set the weights of the encoder of `vae`; give the mean squared error of its latents on the examples."""
    encoder = vae.encoder
    clips = examples(np.random.default_rng(seed))
    for parameter in encoder.parameters():
        parameter.zero_()
    vae.quant_conv.weight.zero_()
    vae.quant_conv.bias.zero_()
    vae.quant_conv.weight[:, :, 0, 0, 0] = torch.eye(2 * CHANNELS)
    for module in encoder.modules():
        if isinstance(module, torch.nn.GroupNorm):
            module.weight.fill_(1)
        if isinstance(module, EasyAnimateResidualBlock3D):
            torch.nn.init.kaiming_normal_(module.conv1.weight)
    down = encoder.down_blocks
    width = down[1].convs[0].conv1.out_channels
    encoder.conv_in.weight[:3, :, 2, 1, 1] = torch.eye(3)
    for index in range(12):
        down[0].downsampler.conv.weight[index, index // 4, 2, index // 2 % 2, index % 2] = 1
    folded = [_fold(_fold_space(clip)) for clip in clips]
    rows = _rows(folded)
    chosen = rows[torch.randperm(len(rows), generator=torch.Generator().manual_seed(seed))[:60000]]
    vectors = torch.linalg.svd(chosen, full_matrices=False)[2][:width]
    # The columns count channel, row, column, frame; a kernel counts frame first.
    down[1].downsampler.conv.weight[:, :12, 1:, :2, :2] = vectors.view(width, 12, 2, 2, 2).permute(0, 1, 4, 2, 3)
    reduced = [torch.einsum("oc,bcthw->bothw", vectors, tensor) for tensor in folded]
    inputs = _rows([_fold(tensor) for tensor in reduced]).double()
    inputs = torch.cat([inputs, torch.ones_like(inputs[:, :1])], 1)
    targets = _rows([basis.encode(clip) for clip in clips]).double()
    ridge = 1e-3 * torch.eye(inputs.shape[1]).double()
    solution = torch.linalg.solve(inputs.T @ inputs + ridge, inputs.T @ targets).float()
    down[2].convs[0].shortcut.weight[:width, :, 0, 0, 0] = torch.eye(width)
    last = down[2].downsampler.conv
    kernel = solution[:-1].T.reshape(CHANNELS, width, 2, 2, 2).permute(0, 1, 4, 2, 3)
    last.weight[:CHANNELS, :width, 1:, :2, :2] = kernel
    last.bias[:CHANNELS] = solution[-1]
    spread_out = down[3].convs[0].shortcut
    groups = encoder.conv_norm_out.num_groups
    size = spread_out.out_channels // groups
    factor = CONSTANT * (2 / size) ** 0.5
    for channel in range(CHANNELS):
        group, place = divmod(channel, CHANNELS // groups)
        first = group * size + 2 * place
        for offset, sign in ((0, 1), (1, -1)):
            spread_out.weight[first + offset, channel] = sign
            encoder.conv_out.weight[channel, first + offset, 2, 1, 1] = sign * factor
    for group in range(groups):
        spread_out.bias[(group + 1) * size - 2] = CONSTANT
        spread_out.bias[(group + 1) * size - 1] = -CONSTANT
    encoder.conv_out.bias[CHANNELS:] = LOG_VARIANCE
    errors = [(vae.encode(c[:4]).latent_dist.mode() - basis.encode(c[:4])).square().mean() for c in clips]
    return float(sum(errors) / len(errors))
