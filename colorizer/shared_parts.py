"""Checkpoints that share frozen parts with another one beside them: a CLS model has the CLIP and VAE of the model it
was trained from, and needs no copy of them.

Metadata "shared": {"file": name of the other checkpoint, in the same folder; "hash": its `checkpoint_hash`; "parts"}.
"""

import json
from pathlib import Path

import torch
from safetensors import safe_open
from safetensors.torch import save_file

from colorizer.errors import UserError

KEY = "shared"
PARTS = ("vae", "clip")


def leave_out_shared(path: Path, other: Path, other_hash: str, out: Path) -> list[str]:
    """Write the checkpoint `path` to `out` without those of PARTS that are the same, bit for bit, in `other`.

    Returns their names. `out` needs `other` in the same folder. Raises UserError when no part is the same.
    """
    if out.parent.resolve() != other.parent.resolve():
        raise UserError(f"{out.name} will read parts from {other.name}; write it into the same folder")
    with safe_open(path, "pt") as mine, safe_open(other, "pt") as theirs:
        names, keys = mine.keys(), set(theirs.keys())
        tensors = {key: mine.get_tensor(key) for key in names}
        metadata = mine.metadata()
        shared = []
        for part in PARTS:
            own = [key for key in tensors if key.startswith(f"{part}.")]
            if own and all(key in keys and torch.equal(tensors[key], theirs.get_tensor(key)) for key in own):
                shared.append(part)
                tensors = {key: tensor for key, tensor in tensors.items() if key not in own}
    if not shared:
        raise UserError(f"{path.name} shares no part with {other.name}; keep the file as it is")
    stated = json.dumps({"file": other.name, "hash": other_hash, "parts": shared})
    save_file(tensors, out, {**metadata, KEY: stated})
    return shared


def shared_tensors(metadata: dict[str, str], path: Path, hash_of, parts=PARTS) -> dict[str, torch.Tensor]:
    """The tensors of `parts` that the checkpoint `path` reads from another file, {} when it is whole.

    hash_of: path -> `checkpoint_hash`. Raises UserError when the other file is missing or another than it was.
    """
    if KEY not in metadata:
        return {}
    try:
        stated = json.loads(metadata[KEY])
        name, wanted, stored = stated["file"], stated["hash"], stated["parts"]
    except (json.JSONDecodeError, KeyError, TypeError):
        raise UserError(f"{path.name} does not say which file it shares parts with; get it again") from None
    if not isinstance(name, str) or Path(name).name != name:  # a checkpoint never reaches outside its own folder
        raise UserError(f"{path.name} names {name!r:.60} as the file it shares parts with; get it again")
    other = path.parent / name
    if not other.is_file():
        raise UserError(f"{path.name} needs {name} in the same folder; put it there")
    if hash_of(other) != wanted:
        raise UserError(f"{path.name} was made with another version of {name}; get both files again")
    prefixes = tuple(f"{part}." for part in parts if part in stored)
    with safe_open(other, "pt") as file:
        keys = file.keys()
        return {key: file.get_tensor(key) for key in keys if prefixes and key.startswith(prefixes)}
