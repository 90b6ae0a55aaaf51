"""The benchmark with exact truth: colour every triple of a folder, compare with the truth, report with intervals."""

import dataclasses
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from PIL import Image
from tqdm import tqdm

from colorizer.encoded import EncodedReference, EncodedSketch
from colorizer.errors import UserError
from colorizer.evaluation.areas import FlatRegions, flat_regions
from colorizer.evaluation.batched import colorize_all
from colorizer.evaluation.metrics import bootstrap_mean, line_fidelity, mean_ciede2000, psnr, region_hits, ssim
from colorizer.evaluation.triples import Triple, find_triples, fit_result, read_triple, reference_mean, white_sketch
from colorizer.pipeline import Colorizer
from colorizer.settings import GenerationSettings

MEASURES = ("ciede2000", "region_accuracy", "psnr", "ssim", "line_fidelity")
BASELINES = {"white_sketch": white_sketch, "reference_mean": reference_mean}
FORMAT = "colorizediffusion-evaluation"


@dataclass(frozen=True)
class Job:
    """A triple that is ready for the model. seconds: what encoding took."""

    triple: Triple
    sketch: EncodedSketch
    reference: EncodedReference
    seed: int
    seconds: float


@dataclass(frozen=True)
class Evaluation:
    """How to run the benchmark. The item at place i of the sorted names has seed settings.seed + i."""

    settings: GenerationSettings
    batch: int = 8
    limit: int | None = None
    sketch_mode: str = "auto"


def evaluate(
    colorizer: Colorizer,
    folder: Path,
    evaluation: Evaluation,
    seen: Callable[[Triple, Image.Image], None] = lambda triple, result: None,
) -> dict:
    """The report, plain JSON values. `seen` is called with every triple and its result, in the order they come.

    Items that cannot be used are listed under "skipped" with the reason. Raises UserError when none is left.
    """
    skipped: dict[str, str] = {}
    places = list(find_triples(folder).items())[: evaluation.limit]
    items, pending = [], []
    with ThreadPoolExecutor(2) as pool, tqdm(total=len(places), unit="picture") as progress:
        for jobs in _batches(colorizer, places, evaluation, skipped):
            start = time.perf_counter()
            results = colorize_all(
                colorizer,
                [job.sketch for job in jobs],
                [job.reference for job in jobs],
                evaluation.settings,
                [job.seed for job in jobs],
            )
            seconds = (time.perf_counter() - start) / len(jobs)
            items += [future.result() for future in pending]  # measured while this batch was coloured
            pending = []
            for job, result in zip(jobs, results, strict=True):
                if isinstance(result, str):
                    skipped[job.triple.name] = result
                else:
                    seen(job.triple, result)
                    pending.append(pool.submit(_item, job.triple, result, job.seed, job.seconds + seconds))
            progress.update(len(items) + len(pending) + len(skipped) - progress.n)
        items += [future.result() for future in pending]
        progress.update(len(places) - progress.n)
    if not items:
        reasons = "; ".join(f"{name}: {reason}" for name, reason in list(skipped.items())[:3])
        raise UserError(f"No triple of {folder} can be used: {reasons}")
    items.sort(key=lambda item: item["name"])
    return _report(colorizer, folder, evaluation, items, skipped)


def _batches(colorizer: Colorizer, places: list, evaluation: Evaluation, skipped: dict) -> Iterator[list[Job]]:
    """Jobs whose latents have the same size, `evaluation.batch` at a time; what cannot be read goes to `skipped`."""
    waiting: dict[tuple[int, int], list[Job]] = {}
    for place, (name, paths) in enumerate(places):
        try:
            triple = read_triple(name, paths, evaluation.sketch_mode)
            start = time.perf_counter()
            sketch = colorizer.encode_sketch(triple.sketch, evaluation.settings.size)
            reference = colorizer.encode_reference(triple.reference)
        except UserError as error:
            skipped[name] = str(error)
            continue
        seed = (evaluation.settings.seed + place) % 2**32
        jobs = waiting.setdefault(sketch.latent_size, [])
        jobs.append(Job(triple, sketch, reference, seed, time.perf_counter() - start))
        if len(jobs) == evaluation.batch:
            yield waiting.pop(sketch.latent_size)
    yield from waiting.values()


def _item(triple: Triple, result: Image.Image, seed: int, seconds: float) -> dict:
    truth = np.asarray(triple.truth)
    regions = flat_regions(truth, triple.lines, triple.figure)
    pictures = {"result": fit_result(result, triple), **{name: make(triple) for name, make in BASELINES.items()}}
    return {
        "name": triple.name,
        "size": list(triple.truth.size),
        "seed": seed,
        "seconds": round(seconds, 4),
        "figure_share": round(float(triple.figure.mean()), 4),
        "regions": len(regions),
        **{name: _measure(picture, truth, regions, triple) for name, picture in pictures.items()},
        "truth": {"line_fidelity": line_fidelity(truth, triple.lines)},
    }


def _measure(picture: np.ndarray, truth: np.ndarray, regions: FlatRegions, triple: Triple) -> dict[str, float | None]:
    return {
        "ciede2000": mean_ciede2000(picture, truth, triple.figure),
        "region_accuracy": float(region_hits(picture, regions).mean()) if len(regions) else None,
        "psnr": psnr(picture, truth),
        "ssim": ssim(picture, truth),
        "line_fidelity": line_fidelity(picture, triple.lines),
    }


def _report(colorizer: Colorizer, folder: Path, evaluation: Evaluation, items: list, skipped: dict) -> dict:
    def summary(subject: str) -> dict:
        columns = {measure: [item[subject][measure] for item in items] for measure in MEASURES}
        means = {measure: bootstrap_mean(values) for measure, values in columns.items()}
        # Every region counts alike here, and every picture alike above.
        regions = [item["regions"] for item in items]
        means["region_accuracy_pooled"] = bootstrap_mean(columns["region_accuracy"], regions)
        return {measure: dataclasses.asdict(estimate) for measure, estimate in means.items()}

    subjects = {name: summary(name) for name in ("result", *BASELINES)}
    better = min(subjects[name]["ciede2000"]["mean"] for name in BASELINES)
    return {
        "format": FORMAT,
        "model": colorizer.config.name,
        "checkpoint": str(colorizer.path),
        "model_hash": colorizer.model_hash,
        "device": str(colorizer.device),
        "dtype": str(colorizer.dtype).removeprefix("torch."),
        "triples": str(folder),
        "settings": evaluation.settings.to_dict(),
        "batch": evaluation.batch,
        "sketch_mode": evaluation.sketch_mode,
        "count": len(items),
        **subjects,
        "truth": {"line_fidelity": dataclasses.asdict(bootstrap_mean([i["truth"]["line_fidelity"] for i in items]))},
        "ciede2000_of_better_baseline": better,
        "ciede2000_ratio": subjects["result"]["ciede2000"]["mean"] / better if better else None,
        "seconds_a_picture": dataclasses.asdict(bootstrap_mean([item["seconds"] for item in items])),
        "skipped": [{"name": name, "reason": reason} for name, reason in sorted(skipped.items())],
        "items": items,
    }
