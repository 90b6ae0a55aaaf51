"""All strategies of training at the same budget, from the same VAE and CLIP, as in the paper's table 1.

FOLDER/STRATEGY holds each run and its scores; one that is finished is not done again, one that was stopped goes on.
FOLDER/table.md and table.json hold what is finished so far.
"""

import dataclasses
import json
import os
import shutil
from dataclasses import dataclass
from pathlib import Path

import torch
from accelerate import PartialState

from colorizer.errors import UserError
from colorizer.evaluation.benchmark import Evaluation, evaluate
from colorizer.pipeline import Colorizer
from colorizer.settings import GenerationSettings
from colorizer.training.recipes import RECIPES, STRATEGIES
from colorizer.training.stages import Workshop, run_stage

FORMAT = "colorizediffusion-comparison"
GUIDANCE = (1.0, 2.0, 3.0, 5.0, 10.0)
MEASURES = {"region_accuracy": ("Region accuracy, %", 100), "ciede2000": ("CIEDE2000", 1), "psnr": ("PSNR, dB", 1)}


@dataclass(frozen=True)
class Comparison:
    """parts: folder with vae.safetensors and clip.safetensors; triples: folder of the benchmark.

    seconds, steps, batch: budget of each strategy's denoiser, as in `LoopOptions`; None as in the recipe. guidance: GS
    to evaluate at, the rest as in `evaluation`.
    """

    parts: Path
    triples: Path
    evaluation: Evaluation
    seconds: float | None = None
    steps: int | None = None
    batch: int | None = None
    guidance: tuple[float, ...] = GUIDANCE
    strategies: tuple[str, ...] = tuple(STRATEGIES)
    workers: int = 2

    @property
    def budget(self) -> dict:
        """What was given of seconds, steps and batch."""
        given = {"seconds": self.seconds, "steps": self.steps, "batch": self.batch}
        return {name: value for name, value in given.items() if value is not None}


def compare(folder: Path, comparison: Comparison, device: torch.device) -> dict:
    """Train and evaluate what is not yet finished in `folder`; returns what table.json holds."""
    for part in ("vae", "clip"):
        if not (comparison.parts / f"{part}.safetensors").is_file():
            raise UserError(f"There is no {part}.safetensors in {comparison.parts}; train these stages of mini first.")
    asked = _asked(comparison)
    scores = {}
    for name in comparison.strategies:
        path = folder / name / "scores.json"
        if (stored := _read(path)) is None or stored["asked"] != asked:
            if stored is not None and stored["asked"]["budget"] != asked["budget"]:
                raise UserError(f"{path.parent} was trained with another budget; give another --out, or remove it.")
            stored = {"asked": asked, **_one(folder / name, name, comparison, device)}
            _write(path, json.dumps(stored, indent=1))
        scores[name] = stored
        table = {"format": FORMAT, **asked, "strategies": {n: s["guidance"] for n, s in scores.items()}}
        table["training_steps"] = {n: s["training_steps"] for n, s in scores.items()}
        _write(folder / "table.json", json.dumps(table, indent=1))
        _write(folder / "table.md", markdown(table))
    return table


def markdown(table: dict) -> str:
    """One table a measure: a row a strategy, a column a guidance scale, the best of each column in bold."""
    columns = [f"{scale:g}" for scale in table["guidance"]]
    blocks = []
    for measure, (title, factor) in MEASURES.items():
        cells = {
            name: {scale: means[scale][measure]["mean"] for scale in columns}
            for name, means in table["strategies"].items()
        }
        best = min if measure == "ciede2000" else max
        top = {
            scale: best((row[scale] for row in cells.values() if row[scale] is not None), default=None)
            for scale in columns
        }
        lines = [
            f"| {title} | " + " | ".join(f"GS {scale}" for scale in columns) + " |",
            "|---" * (len(columns) + 1) + "|",
        ]
        for name, row in cells.items():
            shown = [_cell(row[scale], factor, row[scale] == top[scale]) for scale in columns]
            lines.append(f"| {name} | {' | '.join(shown)} |")
        blocks.append("\n".join(lines))
    return "\n\n".join(blocks) + "\n"


def _cell(value: float | None, factor: float, is_best: bool) -> str:
    if value is None:
        return "-"
    return f"**{factor * value:.2f}**" if is_best else f"{factor * value:.2f}"


def _asked(comparison: Comparison) -> dict:
    evaluation = comparison.evaluation
    return {
        "budget": comparison.budget,
        "guidance": list(comparison.guidance),
        "triples": str(comparison.triples),
        "limit": evaluation.limit,
        "settings": evaluation.settings.evolve(guidance_scale=1.0).to_dict(),
    }


def _one(folder: Path, name: str, comparison: Comparison, device: torch.device) -> dict:
    """Train one strategy, or go on where it stopped, and evaluate it."""
    recipe = RECIPES[f"mini-{name}"]
    unet = dataclasses.replace(recipe.unet, **comparison.budget)
    unet = dataclasses.replace(unet, warmup=min(unet.warmup, unet.steps // 10))  # a small budget is no warm-up alone
    recipe = dataclasses.replace(recipe, unet=unet)
    folder.mkdir(parents=True, exist_ok=True)
    for part in ("vae", "clip"):
        _link(comparison.parts / f"{part}.safetensors", folder / f"{part}.safetensors")
    print(f"== {name}", flush=True)
    run_stage("unet", Workshop(recipe, folder, device, comparison.workers))
    colorizer = Colorizer.load(folder / "model.safetensors", str(device))
    guidance = {}
    for scale in comparison.guidance:
        settings: GenerationSettings = comparison.evaluation.settings.evolve(guidance_scale=scale)
        report = evaluate(colorizer, comparison.triples, dataclasses.replace(comparison.evaluation, settings=settings))
        guidance[f"{scale:g}"] = {measure: report["result"][measure] for measure in MEASURES}
    return {"guidance": guidance, "training_steps": _steps(folder / "unet" / "log.csv")}


def _steps(log: Path) -> int | None:
    """The last step in the log, None where the run was too short for one."""
    return int(log.read_text().split()[-1].split(",")[0]) if log.exists() else None


def _link(source: Path, target: Path) -> None:
    if target.exists():
        return
    try:
        os.link(source, target)
    except OSError:  # another disk, or a file system without links
        shutil.copy(source, target)


def _read(path: Path) -> dict | None:
    return json.loads(path.read_text(encoding="utf-8")) if path.is_file() else None


def _write(path: Path, text: str) -> None:
    if not PartialState().is_main_process:
        return
    part = path.with_suffix(".part")
    part.write_text(text, encoding="utf-8")
    os.replace(part, path)
