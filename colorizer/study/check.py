"""What a study needs besides a correct file: pictures that can be read, checkpoints that are there."""

import os
from collections.abc import Iterator

from colorizer.checkpoint import read_metadata
from colorizer.errors import UserError
from colorizer.images import read_picture
from colorizer.study.password import SHORTEST
from colorizer.study.protocol import PASSWORD_VARIABLE, QUESTIONS, Protocol


def findings(protocol: Protocol) -> list[str]:
    """What would stop participants later, one sentence each; empty when all is well."""
    return list(dict.fromkeys(_findings(protocol)))


def _findings(protocol: Protocol) -> Iterator[str]:
    for key in ("stimuli", "practice"):
        for stimulus in getattr(protocol, key):
            for kind in ("sketch", "reference"):
                yield from _picture(protocol.picture_path(getattr(stimulus, kind)), f"{key} {stimulus.name!r}: {kind}")
    for condition in protocol.conditions:
        where = f"conditions {condition.name!r}"
        if protocol.results == "shown":
            for stimulus in protocol.stimuli + protocol.practice:
                yield from _picture(protocol.result_path(condition, stimulus), f"{where}: results")
        else:
            try:
                read_metadata(protocol.checkpoint_path(condition))
            except UserError as error:
                yield f"{where}: checkpoint: {error}"
    if 0 < len(os.environ.get(PASSWORD_VARIABLE, "")) < SHORTEST:
        yield f"{PASSWORD_VARIABLE}: the organiser's password must have at least {SHORTEST} characters."
    tasks = any(stimulus.task for stimulus in protocol.stimuli) or protocol.questions == QUESTIONS
    for question in protocol.questions:
        if question.needs_task and not tasks:
            yield f"questions {question.key!r}: no stimulus has a task, so it is never asked; add a task or remove it."


def _picture(path, where: str) -> Iterator[str]:
    if not path.is_file():
        yield f"{where}: there is no file {path}."
        return
    try:
        read_picture(path)
    except UserError as error:
        yield f"{where}: {error}"
