"""Work on a model, inside a GPU call where the program runs on a Hugging Face Space with ZeroGPU."""

from collections.abc import Callable

try:
    import spaces  # there on Spaces only
except ImportError:
    spaces = None


def on_gpu(function: Callable, seconds: int | Callable[..., int]) -> Callable:
    """`function`, which there runs in another process: arguments and results are pickled, and only errors of the class
    `gr.Error` come back as they are.

    seconds: how long a GPU to ask for, also as a function of the same arguments. What takes longer is ended.
    """
    return function if spaces is None else spaces.GPU(duration=seconds)(function)
