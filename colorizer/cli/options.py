"""Options of generation that several commands share."""

import argparse

from colorizer.settings import GenerationSettings


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
