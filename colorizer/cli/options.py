"""Options that several commands share: the model, guidance and steps, and nearness to the reference."""

import argparse
from pathlib import Path

from colorizer.pipeline import Colorizer
from colorizer.published import PREDICTION_TYPES
from colorizer.settings import GenerationSettings

DEFAULT_CHECKPOINT = Path(__file__).resolve().parents[2] / "checkpoints" / "mini.safetensors"


def add_model_arguments(parser: argparse.ArgumentParser) -> None:
    """What `load_colorizer` reads."""
    parser.add_argument("--checkpoint", type=Path, default=DEFAULT_CHECKPOINT, help="model (%(default)s)")
    parser.add_argument("--device", default="auto", help="auto, cpu, cuda, cuda:1, ... (%(default)s)")
    parser.add_argument("--dtype", default="auto", help="auto, float32, bfloat16 or float16 (%(default)s)")
    parser.add_argument(
        "--prediction-type", choices=PREDICTION_TYPES, help="for published weights, which do not tell (v)"
    )


def load_colorizer(args: argparse.Namespace) -> Colorizer:
    """The model that the arguments of `add_model_arguments` name. Raises UserError."""
    return Colorizer.load(args.checkpoint, args.device, args.dtype, args.prediction_type)


def add_generation_arguments(parser: argparse.ArgumentParser) -> None:
    """What `generation_settings` reads."""
    parser.add_argument("--gs", type=float, help="reference guidance scale (the model's own default)")
    parser.add_argument("--sgs", type=float, help="sketch guidance scale (the model's own default)")
    parser.add_argument("--steps", type=int, help="denoising steps (the model's own default)")
    parser.add_argument("--seed", type=int, help="seed of the first picture (0)")
    parser.add_argument("--size", type=int, help="longest side in pixels (the model's native size)")
    parser.add_argument(
        "--even-areas",
        type=float,
        metavar="STRENGTH",
        help="even out the areas between the lines, 0 (off) to 1 (one colour each; the model's own default)",
    )
    parser.add_argument(
        "--match-colours",
        type=float,
        metavar="STRENGTH",
        help="move each area to a near colour of the reference, 0 (off) to 1 (all the way; the model's own default)",
    )


def generation_settings(args: argparse.Namespace) -> dict[str, float]:
    """Fields of `GenerationSettings`, those that were given."""
    values = {
        "guidance_scale": args.gs,
        "sketch_guidance_scale": args.sgs,
        "steps": args.steps,
        "seed": args.seed,
        "size": args.size,
        "even_areas": args.even_areas,
        "match_colours": args.match_colours,
    }
    return {name: value for name, value in values.items() if value is not None}


def add_similarity_arguments(parser: argparse.ArgumentParser) -> None:
    """Attention injection and AdaIN, which draw a picture closer to its reference."""
    defaults = GenerationSettings()
    group = parser.add_argument_group("closer to the reference")
    strength = {"type": float, "nargs": "?", "const": 1.0, "metavar": "STRENGTH"}
    group.add_argument(
        "--injection",
        default=defaults.attention_injection,
        help="attention injection of the reference, 0 (off) to 1; 1 without a number",
        **strength,
    )
    group.add_argument(
        "--adain", default=defaults.adain, help="AdaIN of the reference, 0 (off) to 1; 1 without a number", **strength
    )
    group.add_argument(
        "--style-fidelity",
        type=float,
        default=defaults.style_fidelity,
        help="0 to 1: the higher, the more the reference guidance amplifies both (%(default)s)",
    )
    for end, what in (("start", "from which"), ("end", "up to which")):
        group.add_argument(
            f"--similarity-{end}",
            type=float,
            default=getattr(defaults, f"similarity_{end}"),
            metavar="SHARE",
            help=f"{what} share of the steps both work (%(default)s)",
        )


def similarity_settings(args: argparse.Namespace) -> dict[str, float]:
    """Fields of `GenerationSettings`."""
    return {
        "attention_injection": args.injection,
        "adain": args.adain,
        "style_fidelity": args.style_fidelity,
        "similarity_start": args.similarity_start,
        "similarity_end": args.similarity_end,
    }
