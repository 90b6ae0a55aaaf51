"""`compare-strategies`: every strategy of training at the same budget, and a table of their scores."""

import argparse
from pathlib import Path

from colorizer.cli.reports import check_counts
from colorizer.errors import UserError
from colorizer.evaluation.benchmark import Evaluation
from colorizer.evaluation.triples import find_triples
from colorizer.settings import GenerationSettings
from colorizer.training.recipes import STRATEGIES


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--triples", type=Path, required=True, help="folder as `make-triples` writes it")
    parser.add_argument(
        "--parts", type=Path, default=Path("runs/mini"), help="run whose trained VAE and CLIP are used (%(default)s)"
    )
    parser.add_argument("--out", type=Path, default=Path("runs/compare"), help="folder of the runs (%(default)s)")
    parser.add_argument("--seconds", type=float, help="wall-clock budget of each strategy (that of its recipe)")
    parser.add_argument("--steps", type=int, help="optimiser steps of each strategy at most (those of its recipe)")
    parser.add_argument("--batch", type=int, help="batch size of training (that of the recipe)")
    parser.add_argument("--gs", type=float, nargs="+", default=[1, 2, 3, 5, 10], help="guidance scales (%(default)s)")
    parser.add_argument("--strategy", choices=list(STRATEGIES), action="append", help="only this one; repeatable (all)")
    parser.add_argument("--limit", type=int, help="evaluate on the first so many triples only")
    parser.add_argument(
        "--sampling-steps", type=int, default=GenerationSettings.steps, help="denoising steps (%(default)s)"
    )
    parser.add_argument("--workers", type=int, default=2, help="processes that draw pictures")
    parser.add_argument("--device", default="auto", help="cpu, or auto for the best there is")


def run(args: argparse.Namespace) -> int:
    """Train, evaluate, write the tables; repeated, go on where it stopped."""
    from accelerate import PartialState

    from colorizer.training.comparison import Comparison, compare

    check_counts(args, "steps", "batch", "limit", "workers")
    if args.seconds is not None and args.seconds <= 0:
        raise UserError("--seconds must be above 0.")
    if not args.triples.is_dir():
        raise UserError(f"There is no folder {args.triples}.")
    find_triples(args.triples)
    comparison = Comparison(
        args.parts,
        args.triples,
        Evaluation(GenerationSettings(steps=args.sampling_steps), limit=args.limit),
        args.seconds,
        args.steps,
        args.batch,
        tuple(args.gs),
        tuple(args.strategy or STRATEGIES),
        args.workers,
    )
    compare(args.out, comparison, PartialState(cpu=args.device == "cpu").device)
    print((args.out / "table.md").read_text(encoding="utf-8"))
    return 0
