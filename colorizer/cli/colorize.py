"""`colorize`: one sketch, or a folder of them, in the colours of a reference."""

import argparse
import sys
from pathlib import Path

from PIL import Image
from tqdm import tqdm

from colorizer.cli.inputs import naming
from colorizer.cli.options import (
    add_generation_arguments,
    add_model_arguments,
    add_similarity_arguments,
    generation_settings,
    load_colorizer,
    similarity_settings,
)
from colorizer.cli.outputs import plan_outputs
from colorizer.encoded import EncodedReference, EncodedSketch
from colorizer.errors import UserError
from colorizer.generation import Result
from colorizer.images import read_picture
from colorizer.layers import separate
from colorizer.lineart import MODES, load_sketch
from colorizer.manipulation import Edit, RegionMask, read_edits
from colorizer.openraster import save_openraster
from colorizer.pipeline import Colorizer
from colorizer.png import save_png
from colorizer.settings import MOST_REFERENCES, SAMPLERS, SCHEDULES, GenerationSettings


def add_arguments(parser: argparse.ArgumentParser) -> None:
    defaults = GenerationSettings()
    parser.add_argument("--sketch", type=Path, required=True, help="line art, or a folder of it")
    parser.add_argument(
        "--reference",
        type=Path,
        action="append",
        default=[],
        help="picture to take the colours from, up to three; without it the model chooses",
    )
    parser.add_argument(
        "--reference-weight",
        type=float,
        action="append",
        default=[],
        metavar="WEIGHT",
        help="how much each reference counts, in their order, 0 to 4 (1)",
    )
    parser.add_argument(
        "--reference-region",
        action="append",
        default=[],
        metavar="ROWS",
        help='tokens of each reference that count, in their order, like "++../++.." (all)',
    )
    parser.add_argument("--out", type=Path, required=True, help="PNG file to write, or a folder where --sketch is one")

    add_generation_arguments(parser)
    parser.add_argument("--noise-level", type=float, help="noise on the reference, 0 to 1 (the model's own default)")
    parser.add_argument("--schedule", choices=SCHEDULES, default=defaults.schedule, help="noise levels (%(default)s)")
    parser.add_argument("--sampler", choices=SAMPLERS, default=defaults.sampler, help="(%(default)s)")
    parser.add_argument(
        "--sharp", action="store_true", help="above the native size: draw small first, then again at --size"
    )
    parser.add_argument("--batch", type=int, default=defaults.batch_size, help="images of each sketch (%(default)s)")
    add_similarity_arguments(parser)
    parser.add_argument(
        "--sketch-mode",
        choices=MODES,
        default="auto",
        help="how to prepare the sketch: as it is, inverted, lines extracted (%(default)s)",
    )
    parser.add_argument(
        "--edit",
        action="append",
        default=[],
        metavar="TEXT",
        help='edit by words, "target=green hair; anchor=hair; control=the hair; scale=8"; may be given several times',
    )
    parser.add_argument("--edits", type=Path, metavar="FILE.json", help="list of edits, done before those of --edit")

    parser.add_argument(
        "--keep-lines", action="store_true", help="lay the line art over the result, crisp and in its own size"
    )
    parser.add_argument(
        "--layers",
        action="store_true",
        help="also write OUT-colours.png, OUT-lines.png (transparent) and OUT.ora with both",
    )

    add_model_arguments(parser)


def run(args: argparse.Namespace) -> int:
    """Colour what was asked for. A folder's bad files are skipped, listed at the end, and make the exit status 1."""
    settings = read_settings(args)
    jobs = plan_outputs(args.sketch, args.out, *args.reference)
    pictures = read_references(args)
    if not args.sketch.is_dir():
        with naming(args.sketch):
            load_sketch(args.sketch, args.sketch_mode)  # what is wrong with it need not wait for the model
    colorizer = load_colorizer(args)
    settings = read_settings(args, colorizer.config.slider_ranges)
    predicts = colorizer.config.noise.prediction_type
    print(f"{args.checkpoint.name}: {predicts}, {colorizer.device}, {colorizer.dtype}", file=sys.stderr)
    references = [colorizer.encode_reference(picture) for picture in pictures]

    skipped: list[str] = []
    notes: dict[str, None] = {}  # each once, in order
    with tqdm(total=settings.steps * len(jobs), unit="step") as progress:
        for done, (sketch, out) in enumerate(jobs):
            progress.set_description(sketch.name)
            try:
                encoded = colorizer.encode_sketch(load_sketch(sketch, args.sketch_mode), settings.size, settings.sharp)
                result = _colorize(colorizer, encoded, references, settings, progress)
                _save(result, out, colorizer, args.sketch_mode, encoded.lines if args.layers else None)
                notes |= dict.fromkeys(result.notes)
            except UserError as error:
                if not args.sketch.is_dir():
                    raise
                skipped.append(f"skipped {sketch.name}: {error}")
                progress.total = progress.n + settings.steps * (len(jobs) - done - 1)
    for line in (*notes, *skipped):
        print(line, file=sys.stderr)
    if args.sketch.is_dir():
        print(f"{len(jobs) - len(skipped)} of {len(jobs)} sketches coloured into {args.out}")
    return 1 if skipped else 0


def read_settings(args: argparse.Namespace, slider_ranges: dict | None = None) -> GenerationSettings:
    """What the arguments of `add_arguments` say, and what they leave open from a model's ranges. Raises UserError."""
    edits = read_edits(args.edits) if args.edits else ()
    noise = {} if args.noise_level is None else {"noise_level": args.noise_level}
    return GenerationSettings.of_model(
        slider_ranges or {},
        **generation_settings(args),
        **similarity_settings(args),
        **noise,
        schedule=args.schedule,
        sampler=args.sampler,
        sharp=args.sharp,
        reference_weights=tuple(args.reference_weight),
        reference_regions=tuple(map(RegionMask.parse, args.reference_region)),
        keep_lines=args.keep_lines,
        batch_size=args.batch,
        edits=(*edits, *map(Edit.parse, args.edit)),
    )


def read_references(args: argparse.Namespace) -> list[Image.Image]:
    """The pictures that --reference names. Raises UserError."""
    if len(args.reference) > MOST_REFERENCES:
        raise UserError(f"There are {len(args.reference)} references; at most {MOST_REFERENCES} are taken.")
    pictures = []
    for path in args.reference:
        with naming(path):
            pictures.append(read_picture(path))
    return pictures


def _colorize(
    colorizer: Colorizer,
    sketch: EncodedSketch,
    references: list[EncodedReference],
    settings: GenerationSettings,
    progress: tqdm,
) -> Result:
    for event in colorizer.generate(sketch, references, settings, previews=False):
        if isinstance(event, Result):
            return event
        if event.step == 1:  # a sharp picture takes more steps than the settings say
            progress.total += event.steps - settings.steps
        progress.update()


def _save(result: Result, out: Path, colorizer: Colorizer, sketch_mode: str, line_art: Image.Image | None) -> None:
    """Write every picture, and its layers where `line_art` is given."""
    for i, (image, seed) in enumerate(zip(result.images, result.seeds, strict=True)):
        target = out if len(result.images) == 1 else out.with_name(f"{out.stem}-{i}{out.suffix}")
        try:
            save_png(image, target, colorizer.parameters_of(result.settings, seed, sketch_mode))
            if line_art is not None:
                layers = separate(image, line_art)
                layers.colours.save(target.with_name(f"{target.stem}-colours.png"))
                layers.lines.save(target.with_name(f"{target.stem}-lines.png"))
                save_openraster(layers, target.with_suffix(".ora"))
        except OSError as error:
            raise UserError(f"{target} cannot be written ({error.strerror}); check the folder.") from error
