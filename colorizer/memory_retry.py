"""When memory runs out in a run: once more at half the size, or a clear error."""

import dataclasses
from collections.abc import Callable, Iterator

from colorizer.encoded import EncodedSketch
from colorizer.errors import UserError
from colorizer.generation import Preview, Result
from colorizer.images import Placement
from colorizer.locked_model import LockedModel
from colorizer.precision import is_out_of_memory

SMALLEST_RETRY = 64  # longest side in pixels; below it a repeated run would be of no use


def generate_within_memory(
    locked: LockedModel,
    sketch: EncodedSketch,
    generate: Callable[[EncodedSketch], Iterator[Preview | Result]],
    encode_sketch: Callable[..., EncodedSketch],
) -> Iterator[Preview | Result]:
    """The events of `generate`; when memory runs out, those of a run at half the size, whose result says so in a note.

    encode_sketch: (lines, size) -> the sketch at another size. Raises UserError when memory runs out again.
    """
    placement, lines, smaller = sketch.placement, sketch.lines, sketch.size // 2
    try:
        yield from generate(sketch)
        return
    except RuntimeError as error:
        if not is_out_of_memory(error):
            raise
    # Outside `except`, the traceback is gone and with it the frames that held the tensors of this generation.
    del sketch
    locked.free_memory()
    if smaller < SMALLEST_RETRY:
        raise not_enough_memory(placement)
    try:
        for event in generate(encode_sketch(lines, smaller)):
            if isinstance(event, Result):
                width, height = event.images[0].size
                note = f"There was not enough memory for the size that was asked for; this is {width} x {height}."
                event = dataclasses.replace(event, notes=(note, *event.notes))
            yield event
        return
    except RuntimeError as error:
        if not is_out_of_memory(error):
            raise
    locked.free_memory()
    raise not_enough_memory(placement)


def not_enough_memory(placement: Placement) -> UserError:
    """The error for a picture of this canvas."""
    size = f"{placement.width} x {placement.height}"
    return UserError(f"There is not enough memory for a picture of {size} pixels; choose a smaller size.")
