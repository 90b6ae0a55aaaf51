"""The benchmark of edits: does the region take the colour that the words ask for, what else moves, is there a degree.

For every item, with one seed: the picture without the edit, with the edit at the scale, and at the other `scales`. The
region is what the item's mask says must change; its colour is the median over it; distances are CIEDE2000.
"""

import dataclasses
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from PIL import Image
from tqdm import tqdm

from colorizer.config import ModelConfig
from colorizer.encoded import EncodedReference, EncodedSketch
from colorizer.errors import UserError
from colorizer.evaluation.batched import colorize_all
from colorizer.evaluation.edits import EditItem, find_edits, read_edit
from colorizer.evaluation.metrics import bootstrap_mean, colour_differences, mean_ciede2000, median_colour
from colorizer.evaluation.triples import fit_result
from colorizer.manipulation import Edit, degree_scales
from colorizer.pipeline import Colorizer
from colorizer.settings import GenerationSettings

FORMAT = "colorizediffusion-edit-evaluation"
MEASURES = ("success", "leakage", "monotonicity", "coloured_before")
NEAR = 20.0  # CIEDE2000 to the edited truth up to which a region has its colour
BACKWARD = 1.0  # CIEDE2000 by which a region may go back at a larger scale: what rounding and sampling noise do
SCALE = 8.0
NUM_SCALES = 4


@dataclass(frozen=True)
class EditEvaluation:
    """How to run the benchmark. The item at place i of the sorted names has seed settings.seed + i.

    scale: target scale at which success and leakage are judged; scales: increasing, those for monotonicity.
    changes: fields of `Edit` that replace those of every item, such as enhance.
    """

    settings: GenerationSettings
    scale: float = SCALE
    scales: tuple[float, ...] = degree_scales(SCALE / NUM_SCALES, SCALE, NUM_SCALES)
    changes: dict = dataclasses.field(default_factory=dict)
    batch: int = 8
    limit: int | None = None
    sketch_mode: str = "auto"

    def __post_init__(self):
        if len(self.scales) < 2 or any(a >= b for a, b in zip(self.scales, self.scales[1:], strict=False)):
            raise UserError(f"The scales {' '.join(f'{s:g}' for s in self.scales)} must be two or more, increasing.")

    @property
    def all_scales(self) -> list[float]:
        return sorted({self.scale, *self.scales})


@dataclass(frozen=True)
class EditJob:
    """An item that is ready for the model. references: unedited, then at each of `all_scales`."""

    item: EditItem
    sketch: EncodedSketch
    references: list[EncodedReference]
    seed: int
    notes: tuple[str, ...]


def default_scales(config: ModelConfig) -> tuple[float, tuple[float, ...]]:
    """The scale and four scales up to it: the checkpoint's own range of `target_scale`, else a quarter of 8 to 8."""
    low, _, scale = config.slider_ranges.get("target_scale", (SCALE / NUM_SCALES, SCALE, SCALE))
    return float(scale), degree_scales(low if low < scale else scale / NUM_SCALES, scale, NUM_SCALES)


def evaluate_edits(
    colorizer: Colorizer,
    folder: Path,
    evaluation: EditEvaluation,
    seen: Callable[[EditItem, Image.Image, Image.Image], None] = lambda item, before, after: None,
) -> dict:
    """The report, plain JSON values. `seen` is called with every item, its unedited and its edited picture.

    Items that cannot be used are listed under "skipped" with the reason. Raises UserError when none is left.
    """
    skipped: dict[str, str] = {}
    places = find_edits(folder)[: evaluation.limit]
    items = []
    with tqdm(total=len(places), unit="item") as progress:
        for jobs in _batches(colorizer, places, evaluation, skipped):
            for job, pictures in zip(jobs, _colorize(colorizer, jobs, evaluation), strict=True):
                if reasons := [picture for picture in pictures if isinstance(picture, str)]:
                    skipped[job.item.name] = reasons[0]
                    continue
                seen(job.item, pictures[0], pictures[1 + evaluation.all_scales.index(evaluation.scale)])
                items.append(judge(job.item, pictures, evaluation) | {"seed": job.seed, "notes": list(job.notes)})
            progress.update(len(items) + len(skipped) - progress.n)
        progress.update(len(places) - progress.n)
    if not items:
        reasons = "; ".join(f"{name}: {reason}" for name, reason in list(skipped.items())[:3])
        raise UserError(f"No edit of {folder} can be used: {reasons}")
    items.sort(key=lambda item: item["name"])
    return _report(colorizer, folder, evaluation, items, skipped)


def judge(item: EditItem, pictures: list[Image.Image], evaluation: EditEvaluation) -> dict:
    """The measures of one item. pictures: unedited, then one at each of `all_scales`.

    success: at the scale, the region is nearer to its colour in the edited truth than to that in the truth before, and
    within 20 of the former. leakage: mean distance between the edited and the unedited picture outside the region.
    monotonicity: over `scales`, the region's distance to its colour in the edited truth never grows by more than 1 from
    one scale to the next, and is smaller at the last than at the first. coloured_before: without the edit the region is
    within 20 of its colour in the truth before; where it is not, the colouring failed before the edit.
    """
    before, *edited = (fit_result(picture, item.triple) for picture in pictures)
    target = median_colour(item.edited, item.inside)
    anchor = median_colour(np.asarray(item.triple.truth), item.inside)
    regions = [median_colour(picture, item.inside) for picture in edited]
    to_target = dict(zip(evaluation.all_scales, _distances(regions, target), strict=True))
    to_anchor = dict(zip(evaluation.all_scales, _distances(regions, anchor), strict=True))
    path = [to_target[scale] for scale in evaluation.scales]
    (unedited,) = _distances([median_colour(before, item.inside)], anchor)
    at_scale = edited[evaluation.all_scales.index(evaluation.scale)]
    edit = item.edit
    return {
        "name": item.name,
        "attribute": item.attribute,
        "target": edit.target,
        "anchor": edit.anchor,
        "control": edit.control,
        "success": to_target[evaluation.scale] < min(to_anchor[evaluation.scale], NEAR),
        "leakage": mean_ciede2000(at_scale, before, item.outside) if item.outside.any() else None,
        "monotonicity": is_steady(path),
        "coloured_before": unedited <= NEAR,
        "to_target": {f"{scale:g}": round(distance, 3) for scale, distance in to_target.items()},
        "to_anchor": {f"{scale:g}": round(distance, 3) for scale, distance in to_anchor.items()},
        "unedited_to_anchor": round(unedited, 3),
    }


def is_steady(distances: list[float]) -> bool:
    """Whether distances to the target never grow by more than 1 from one to the next, and end below the first."""
    steps = zip(distances, distances[1:], strict=False)
    return all(after <= before + BACKWARD for before, after in steps) and distances[-1] < distances[0]


def _batches(colorizer: Colorizer, places: list, evaluation: EditEvaluation, skipped: dict) -> Iterator[list[EditJob]]:
    """Jobs whose latents have the same size; what cannot be read goes to `skipped`."""
    count = max(1, evaluation.batch // (1 + len(evaluation.all_scales)))
    waiting: dict[tuple[int, int], list[EditJob]] = {}
    for place, (values, paths) in enumerate(places):
        try:
            item = read_edit(values, paths, evaluation.sketch_mode)
            job = _job(colorizer, item, evaluation, (evaluation.settings.seed + place) % 2**32)
        except UserError as error:
            skipped[values["name"]] = str(error)
            continue
        jobs = waiting.setdefault(job.sketch.latent_size, [])
        jobs.append(job)
        if len(jobs) == count:
            yield waiting.pop(job.sketch.latent_size)
    yield from waiting.values()


def _job(colorizer: Colorizer, item: EditItem, evaluation: EditEvaluation, seed: int) -> EditJob:
    edit: Edit = dataclasses.replace(item.edit, **evaluation.changes)
    reference = colorizer.encode_reference(item.triple.reference)
    references, notes = [reference], ()
    for scale in evaluation.all_scales:
        edited, notes = colorizer.edit_reference(reference, [dataclasses.replace(edit, target_scale=scale)])
        references.append(edited)
    sketch = colorizer.encode_sketch(item.triple.sketch, evaluation.settings.size)
    return EditJob(item, sketch, references, seed, notes)


def _colorize(
    colorizer: Colorizer, jobs: list[EditJob], evaluation: EditEvaluation
) -> Iterator[list[Image.Image | str]]:
    """The pictures of each job, in the order of its references."""
    each = 1 + len(evaluation.all_scales)
    pictures = colorize_all(
        colorizer,
        [job.sketch for job in jobs for _ in range(each)],
        [reference for job in jobs for reference in job.references],
        evaluation.settings,
        [job.seed for job in jobs for _ in range(each)],
    )
    for index in range(len(jobs)):
        yield pictures[index * each : (index + 1) * each]


def _distances(colours: list[np.ndarray], colour: np.ndarray) -> list[float]:
    return colour_differences(np.stack(colours), np.tile(colour, (len(colours), 1))).tolist()


def _report(colorizer: Colorizer, folder: Path, evaluation: EditEvaluation, items: list, skipped: dict) -> dict:
    def summary(chosen: list[dict]) -> dict:
        return {measure: dataclasses.asdict(bootstrap_mean([item[measure] for item in chosen])) for measure in MEASURES}

    attributes = sorted({item["attribute"] for item in items})
    return {
        "format": FORMAT,
        "model": colorizer.config.name,
        "kind": colorizer.config.kind,
        "checkpoint": str(colorizer.path),
        "model_hash": colorizer.model_hash,
        "edits": str(folder),
        "settings": evaluation.settings.to_dict(),
        "scale": evaluation.scale,
        "scales": list(evaluation.scales),
        "changes": evaluation.changes,
        "sketch_mode": evaluation.sketch_mode,
        "count": len(items),
        "all": summary(items),
        "attributes": {name: summary([i for i in items if i["attribute"] == name]) for name in attributes},
        "skipped": [{"name": name, "reason": reason} for name, reason in sorted(skipped.items())],
        "items": items,
    }
