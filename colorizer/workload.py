"""What a run takes, before it: time and memory from the sizes of the networks and the speed seen so far."""

import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

import psutil
import torch
from diffusers.models.attention_processor import Attention
from torch.utils.flop_counter import FlopCounterMode

from colorizer.config import ModelConfig, UNetConfig
from colorizer.errors import UserError
from colorizer.models.unet import SketchUNet
from colorizer.models.vae import positions_in_tiles

CGROUP = Path("/sys/fs/cgroup")
GIB = 2**30
# Activations of the widest moment, in channels of the highest level, and what allocators and kernels keep besides.
LIVE_CHANNELS = 14
OVERHEAD = 1.5
STEM_CHANNELS = 40  # at full resolution, of the sketch encoder's first layers
PICTURE_COPIES = 8  # float32 RGB pictures that exist at once, with previews and variants
LINES_BYTES = 44  # a pixel, while the line art is laid over the result


@dataclass(frozen=True)
class Estimate:
    """seconds: None until this process has measured a step. memory, available: bytes of the device; None is unknown."""

    seconds: float | None
    memory: int
    available: int | None

    @property
    def fits(self) -> bool:
        """Whether the memory is there."""
        return self.available is None or self.memory <= self.available


class Workload:
    """Estimates for one model on one device. It learns the times of U-Net and VAE from the runs."""

    def __init__(self, config: ModelConfig, device: torch.device, dtype: torch.dtype, downscale: int):
        self.config, self.device, self.dtype, self.downscale = config, device, dtype, downscale
        self._measured: dict[tuple[int, int], float] = {}  # canvas in pixels -> seconds a pass
        self._vae_measured: dict[str, float] = {}  # "decode", "encode" -> seconds a position of the latent
        self._finish_measured: dict[str, float] = {}  # "areas", "lines" -> seconds a pixel

    @contextmanager
    def measured(self, canvas: tuple[int, int], passes: int) -> Iterator[None]:
        """What happens within is `passes` passes through the U-Net for a canvas (width, height)."""
        start = time.perf_counter()
        yield
        if self.device.type == "cuda":
            torch.cuda.synchronize(self.device)
        seconds = (time.perf_counter() - start) / passes
        known = self._measured.get(canvas)
        self._measured[canvas] = seconds if known is None else (known + seconds) / 2

    @contextmanager
    def measured_vae(self, kind: str, canvas: tuple[int, int]) -> Iterator[None]:
        """What happens within is to "decode" or to "encode" one picture of `canvas` (width, height) pixels."""
        if self.device.type == "cuda":
            torch.cuda.synchronize(self.device)  # the steps still in the queue are not the VAE's time
        start = time.perf_counter()
        yield
        if self.device.type == "cuda":
            torch.cuda.synchronize(self.device)
        seconds = (time.perf_counter() - start) / self._vae_positions(canvas)
        self._vae_measured[kind] = (self._vae_measured.get(kind, seconds) + seconds) / 2

    @contextmanager
    def measured_finish(self, kind: str, pixels: int) -> Iterator[None]:
        """What happens within is to even out and to match "areas", or to keep the "lines" in pictures of `pixels`."""
        start = time.perf_counter()
        yield
        seconds = (time.perf_counter() - start) / pixels
        self._finish_measured[kind] = (self._finish_measured.get(kind, seconds) + seconds) / 2

    def estimate(
        self,
        passes: Sequence[tuple[tuple[int, int], int]],
        pictures: int,
        steps: Sequence[int],
        finish: Mapping[str, int] | None = None,
    ) -> Estimate:
        """passes: (canvas, number of passes through the U-Net) of each stage; pictures: how many come out; steps: of
        each stage, after which a preview may be shown; finish: kind -> pixels of a picture, see `measured_finish`."""
        finish = finish or {}
        memory = max(self.memory(*canvas, pictures) for canvas, _ in passes)
        memory = max(memory, LINES_BYTES * finish.get("lines", 0))
        seconds = self.seconds(passes)
        if seconds is not None:
            seconds += self._vae_seconds(passes, pictures, steps)
            seconds += pictures * sum(self._finish_measured.get(kind, 0.0) * pixels for kind, pixels in finish.items())
        return Estimate(seconds, memory, available_memory(self.device))

    def seconds(self, passes: Sequence[tuple[tuple[int, int], int]]) -> float | None:
        """What these take, see `estimate`; None until a step was measured."""
        times = [self._pass_seconds(canvas) for canvas, _ in passes]
        return None if None in times else sum(each * count for each, (_, count) in zip(times, passes, strict=True))

    def memory(self, width: int, height: int, pictures: int = 1) -> int:
        """Bytes that a run needs besides the weights, at its widest moment."""
        size = torch.empty(0, dtype=self.dtype).element_size()
        unet, pixels = self.config.unet, width * height
        positions = pixels / self.downscale**2
        # The skips of the way down, each level a quarter of the positions of the one above.
        skips = sum(
            channels * (unet.layers_per_block + 1) / 4**level for level, channels in enumerate(unet.block_out_channels)
        )
        denoising = (skips + LIVE_CHANNELS * unet.block_out_channels[0]) * positions * size
        encoding = STEM_CHANNELS * pixels * size
        return round(OVERHEAD * max(denoising, encoding) + (PICTURE_COPIES + pictures) * 3 * 4 * pixels)

    def refuse_if_too_large(self, width: int, height: int) -> None:
        """Raise UserError with the numbers where a canvas does not fit the memory."""
        needed, available = self.memory(width, height), available_memory(self.device)
        if available is not None and needed > available:
            raise UserError(
                f"A picture of {width} x {height} pixels needs about {needed / GIB:.1f} GB of memory and "
                f"{available / GIB:.1f} GB are free; choose a smaller size."
            )

    def _vae_seconds(self, passes: Sequence[tuple[tuple[int, int], int]], pictures: int, steps: Sequence[int]) -> float:
        """Previews, the way from each stage to the next, and the pictures themselves; see `estimate`."""
        decode = self._vae_measured.get("decode", 0.0)
        encode = self._vae_measured.get("encode", decode)
        seconds = 0.0
        for index, (canvas, count) in enumerate(passes):
            positions = self._vae_positions(canvas)
            seconds += pictures * positions * (decode + (encode if index else 0))
            # `PreviewPace` lets previews take half the time that the steps take.
            seconds += min(steps[index] * positions * decode, count * self._pass_seconds(canvas) / 2)
        return seconds

    def _pass_seconds(self, canvas: tuple[int, int]) -> float | None:
        """Seconds a pass, by the measured size that is nearest in work."""
        if not self._measured:
            return None
        work = self._flops(canvas)
        known = min(self._measured, key=lambda size: abs(self._flops(size) / work - 1))
        return self._measured[known] * work / self._flops(known)

    def _vae_positions(self, canvas: tuple[int, int]) -> int:
        width, height = (side // self.downscale for side in canvas)
        return positions_in_tiles(height, width)

    def _flops(self, canvas: tuple[int, int]) -> int:
        width, height = (side // self.downscale for side in canvas)
        return unet_flops(self.config.unet, height, width)


@lru_cache(maxsize=256)
def unet_flops(config: UNetConfig, height: int, width: int) -> int:
    """Floating-point operations of one pass for a latent of this size, without cross-attention, which is negligible.

    Counted on the meta device, where nothing is computed.
    """
    attended = []
    with torch.device("meta"), torch.inference_mode(), FlopCounterMode(display=False) as counter:
        unet = SketchUNet(config)
        for attn in unet.self_attentions():
            attn.set_processor(_CountedAttention(attended))
        levels = len(config.block_out_channels)
        features = [torch.empty(1, config.block_out_channels[0], height, width)]
        for level, channels in enumerate(config.block_out_channels):
            halvings = min(level + 1, levels - 1)
            features.append(torch.empty(1, channels, -(-height // 2**halvings), -(-width // 2**halvings)))
        unet(torch.empty(1, config.in_channels, height, width), torch.zeros(1), tuple(features), None)
    return counter.get_total_flops() + sum(attended)


class _CountedAttention:
    """Self-attention whose n x n part is counted by formula: on the meta device it would be a matrix."""

    def __init__(self, attended: list[int]):
        self.attended = attended

    def __call__(self, attn: Attention, hidden_states: torch.Tensor, **_kwargs) -> torch.Tensor:
        attn.to_k(hidden_states)
        value = attn.to_q(hidden_states) + attn.to_v(hidden_states)
        self.attended.append(4 * hidden_states.shape[1] ** 2 * attn.inner_dim)
        return attn.to_out[0](value)


def available_memory(device: torch.device) -> int | None:
    """Free bytes of a CUDA device (what torch keeps in reserve counts as free) or of this machine or container."""
    if device.type == "cuda":
        free, _ = torch.cuda.mem_get_info(device)
        return free + torch.cuda.memory_reserved(device) - torch.cuda.memory_allocated(device)
    if device.type == "mps":
        return None
    free = psutil.virtual_memory().available
    try:  # a container may have less than its machine
        limit = (CGROUP / "memory.max").read_text().strip()
        used = int((CGROUP / "memory.current").read_text())
        statistics = dict(line.split() for line in (CGROUP / "memory.stat").read_text().splitlines())
        cached = int(statistics.get("inactive_file", 0))
    except (OSError, ValueError):
        return free
    return free if limit == "max" else min(free, int(limit) - used + cached)
