"""`python -m colorizer train RECIPE`: makes a model, or goes on where it stopped.

Several GPUs or machines: `accelerate launch -m colorizer train RECIPE`.
"""

import argparse
import dataclasses
import logging
from pathlib import Path

import torch

from colorizer.published import PREDICTION_TYPES
from colorizer.training.recipes import STAGES


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("recipe", help="a name such as mini or mini-gpu")
    parser.add_argument("--out", type=Path, default=None, help="folder of the run (default: runs/RECIPE)")
    parser.add_argument("--stage", choices=STAGES, action="append", help="only this stage; repeatable (default: all)")
    parser.add_argument(
        "--start", type=Path, help="go on from this checkpoint; paper-* recipes need one: v1 or Stable Diffusion 2"
    )
    parser.add_argument("--prediction-type", choices=PREDICTION_TYPES, help="of --start, where it does not tell (v)")
    parser.add_argument(
        "--data",
        type=Path,
        nargs="+",
        default=(),
        help="train on your own pictures: folders and zip archives, with sketch/ and reference/ in them or without",
    )
    parser.add_argument("--seconds", type=float, help="wall-clock budget of each stage, over all its resumed runs")
    parser.add_argument("--steps", type=int, help="optimiser steps of each stage at most")
    parser.add_argument("--batch", type=int, help="batch size of each stage")
    parser.add_argument("--characters", type=int, help="characters in the library of drawings")
    parser.add_argument("--workers", type=int, default=2, help="processes that draw or read pictures")
    parser.add_argument("--threads", type=int, help="CPU threads of the training itself")
    parser.add_argument("--device", default="auto", help="cpu, or auto for the best there is, which accelerate picks")


def run(args: argparse.Namespace) -> int:
    from accelerate import PartialState

    from colorizer.cli.reports import check_counts
    from colorizer.errors import UserError
    from colorizer.training.recipes import RECIPES
    from colorizer.training.stages import Workshop, run_stage

    if args.recipe not in RECIPES:
        raise UserError(f"no recipe is called {args.recipe!r}; choose one of {', '.join(RECIPES)}")
    check_counts(args, "steps", "batch", "characters", "threads")
    for name in ("seconds", "workers"):
        if getattr(args, name) is not None and not getattr(args, name) >= 0:  # a NaN fails every comparison
            raise UserError(f"--{name} must be 0 or more.")
    if args.threads:
        torch.set_num_threads(args.threads)
    logging.basicConfig(level=logging.WARNING)
    torch.backends.cuda.matmul.allow_tf32 = True
    recipe = RECIPES[args.recipe]
    given = {"seconds": args.seconds, "steps": args.steps, "batch": args.batch}
    given = {name: value for name, value in given.items() if value is not None}
    recipe = dataclasses.replace(
        recipe, **{stage: dataclasses.replace(getattr(recipe, stage), **given) for stage in STAGES}
    )
    if args.characters:
        recipe = dataclasses.replace(recipe, characters=args.characters)
    if args.start is None and recipe.pretrained:
        raise UserError(f"{args.recipe} starts from trained weights; name a checkpoint with --start")
    device = PartialState(cpu=args.device == "cpu").device  # under accelerate's launcher, each process has its own
    out = args.out or Path("runs") / args.recipe
    for stage in args.stage or (("unet",) if args.start else recipe.stages):
        run_stage(
            stage, Workshop(recipe, out, device, args.workers, args.start, tuple(args.data), args.prediction_type)
        )
    return 0
