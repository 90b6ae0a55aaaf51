"""Where and in which number format a model runs."""

import torch

from colorizer.errors import UserError

DTYPES = {"float32": torch.float32, "bfloat16": torch.bfloat16, "float16": torch.float16}


def choose_device(name: str) -> torch.device:
    """ "auto" (CUDA, else Apple's MPS, else the CPU) or a name that torch knows. UserError where there is no such."""
    if name == "auto":
        name = "cuda" if torch.cuda.is_available() else "mps" if torch.backends.mps.is_available() else "cpu"
    try:
        device = torch.device(name)
        torch.empty(0, device=device)
    except (RuntimeError, AssertionError) as error:
        reason = str(error).splitlines()[0]
        raise UserError(f"The device {name!r} cannot be used here ({reason}); choose auto, cuda or cpu.") from None
    return device


def choose_dtype(name: str, device: torch.device) -> torch.dtype:
    """The number format of the denoiser: "auto", or a key of DTYPES.

    "auto" is bfloat16 on CUDA where the GPU has it (float16 can overflow in the attention of Stable-Diffusion-2.1
    networks), float16 on older GPUs, and bfloat16 on a CPU that is faster with it.
    """
    if name != "auto":
        if name not in DTYPES:
            raise UserError(f"The dtype {name!r} is unknown; choose one of auto, {', '.join(DTYPES)}.")
        return DTYPES[name]
    if device.type == "cuda":
        return torch.bfloat16 if torch.cuda.get_device_capability(device) >= (8, 0) else torch.float16
    if device.type == "cpu" and bfloat16_is_faster():
        return torch.bfloat16
    return torch.float32


def bfloat16_is_faster() -> bool:
    """Whether this CPU computes in bfloat16 itself (AVX512-BF16 or AMX); without, it is many times slower than float32.

    Asked of the CPU and not timed: on a busy machine a timing comes out differently each time, and a seed would not
    give the same picture twice. Measured with AVX512-BF16, a U-Net's step takes 0.5 to 0.75 of its time in float32.
    """
    return torch.cpu._is_avx512_bf16_supported() or torch.cpu._is_amx_tile_supported()


def is_out_of_memory(error: RuntimeError) -> bool:
    """Whether the device or the CPU ran out of memory; the CPU's allocator has no exception type of its own."""
    return isinstance(error, torch.OutOfMemoryError) or "can't allocate memory" in str(error)
