"""The published weights, from the Hugging Face hub."""

import json
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from huggingface_hub import HfApi
from huggingface_hub.errors import RepositoryNotFoundError, RevisionNotFoundError

from colorizer.errors import UserError
from colorizer.published import LICENCE

REPOSITORY = "tellurion/ColorizeDiffusion"
V1_PREFIX = "mult"
GIGABYTE = 1e9


def find_v1_file(api: HfApi, repository: str, revision: str | None, name: str | None) -> tuple[str, int]:
    """Path and size in bytes of the weights in the hub's repository: `name`, or the only v1 .safetensors file there.

    Raises UserError when the hub cannot be reached, and when there is no such file or more than one.
    """
    with _hub_errors(repository, revision):
        siblings = api.repo_info(repository, revision=revision, files_metadata=True).siblings
    sizes = {file.rfilename: file.size or 0 for file in siblings if file.rfilename.endswith(".safetensors")}
    if name is None:
        candidates = [file for file in sizes if Path(file).name.lower().startswith(V1_PREFIX)]
    else:
        candidates = [file for file in sizes if file == name]
    if len(candidates) != 1:
        raise UserError(
            f"{repository} has {len(candidates)} files that fit; "
            f"choose one with --file: {', '.join(candidates or sorted(sizes)) or 'there is no .safetensors file'}"
        )
    return candidates[0], sizes[candidates[0]]


def check_free_disk(folder: Path, size: int) -> None:
    """Raise UserError when `folder` cannot take `size` bytes."""
    free = shutil.disk_usage(folder).free
    if free < size:
        raise UserError(
            f"the file takes {size / GIGABYTE:.1f} GB and {folder} has {free / GIGABYTE:.1f} GB free; "
            "make room or give another --out"
        )


@contextmanager
def _hub_errors(repository: str, revision: str | None) -> Iterator[None]:
    try:
        yield
    except RevisionNotFoundError:
        raise UserError(f"{repository} has no revision {revision}; give another --revision") from None
    except RepositoryNotFoundError:
        raise UserError(f"the hub has no open repository {repository}; give another --repo") from None
    # The hub's client changed its HTTP library, and with it the class of a failed connection, more than once.
    except Exception as error:
        raise UserError(
            f"no download from the Hugging Face hub ({error}); check the internet connection and run it again"
        ) from None


def fetch_v1(
    api: HfApi,
    out: Path,
    repository: str = REPOSITORY,
    revision: str | None = None,
    name: str | None = None,
    prediction_type: str | None = None,
) -> Path:
    """Download the published v1 weights into the folder `out` and return the file's path.

    `prediction_type`, when given, is written next to the file, which does not hold it.
    """
    print(f"The licence of the published weights is {LICENCE}: name the source, no commercial use, the same licence")
    print("for what you make of them.")
    file, size = find_v1_file(api, repository, revision, name)
    try:
        out.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise UserError(f"{out} cannot be a folder ({error.strerror}); give another --out") from None
    check_free_disk(out, size)
    print(f"{repository}/{file}: {size / GIGABYTE:.1f} GB")
    with _hub_errors(repository, revision):
        path = Path(api.hf_hub_download(repository, file, revision=revision, local_dir=out))
    if prediction_type is not None:
        path.with_suffix(".json").write_text(json.dumps({"prediction_type": prediction_type}), "utf-8")
    return path
