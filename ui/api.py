"""The named endpoints for programs: `/colorize`, `/heatmap` and `/sketch`."""

import tempfile
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import gradio as gr

from colorizer.errors import UserError
from colorizer.generation import Result
from colorizer.images import read_picture
from colorizer.lineart import MODES, has_lines, load_sketch, prepare_sketch, read_line_art
from colorizer.manipulation import DEFAULT_THRESHOLDS, Edit
from colorizer.region_report import check_region_request, report_regions
from colorizer.settings import MOST_REFERENCES, GenerationSettings
from ui import api_arguments as argument
from ui.api_texts import text as say
from ui.colorize_run import save_results
from ui.errors import errors_as_toasts
from ui.generate import Generate
from ui.gpu import on_gpu
from ui.model_shelf import ModelDescription, ModelShelf
from ui.queues import MODEL, PICTURES
from ui.settings_layout import MAX_SEED, SLIDER_RANGES, size_choices, slider_range
from ui.texts import text
from ui.texts.messages import in_visitors_language

HEATMAP_SECONDS = 15  # of a GPU
# argument -> setting whose range and default are the model's own
GUIDANCE = {"gs": "guidance_scale", "sgs": "sketch_guidance_scale", "noise_level": "noise_level", "steps": "steps"}


def add_endpoints(shelf: ModelShelf, generate: Generate) -> None:
    """Call inside `gr.Blocks`."""
    name = shelf.default()
    description = shelf.describe(name) if name else ModelDescription()
    _add_colorize(shelf, generate, description)
    _add_heatmap(shelf)
    _add_sketch()


def api_settings(description: ModelDescription, given: dict, more: dict | None) -> GenerationSettings:
    """The settings of a call: what was given, `more` by the names of `GenerationSettings`, else the model's defaults.

    The ranges are those of the page. Raises UserError.
    """
    ranges = {name: slider_range(description, name) for name in SLIDER_RANGES}
    values = {name: choice["value"] for name, choice in ranges.items()} | _object(more)
    values |= {name: value for name, value in given.items() if value is not None} | {"batch_size": 1}
    largest = max(size for _, size in size_choices(description.native_size))
    bounds = {name: (choice["minimum"], choice["maximum"]) for name, choice in ranges.items()} | {"size": (64, largest)}
    for name, (low, high) in bounds.items():
        value = values.get(name)
        if isinstance(value, int | float) and not low <= value <= high:
            raise UserError(say("out_of_range", name=name, value=value, low=low, high=high))
    return GenerationSettings.from_dict(values)


@contextmanager
def _naming(argument: str) -> Iterator[None]:
    """Put the argument's name before what is wrong with its picture."""
    try:
        yield
    except UserError as error:
        raise UserError(f"{argument}: {in_visitors_language(str(error))}") from error


def _object(more) -> dict:
    if more is None or isinstance(more, dict):
        return more or {}
    raise UserError(say("settings_not_object"))


def _edits(lines: str | None) -> tuple[Edit, ...] | None:
    """One edit a line in its written form; None where there is none, so that those of `settings` count."""
    return tuple(Edit.parse(line) for line in (lines or "").splitlines() if line.strip()) or None


def _add_colorize(shelf: ModelShelf, generate: Generate, description: ModelDescription) -> None:
    def colorize(
        sketch,
        reference=None,
        gs=None,
        sgs=None,
        noise_level=None,
        steps=None,
        seed=0,
        size=None,
        preparation="auto",
        edits=None,
        settings=None,
        model=None,
        reference_2=None,
        reference_3=None,
    ) -> Iterator[str | None]:
        with errors_as_toasts():
            if sketch is None:
                raise UserError(text("error_no_sketch"))
            chosen = model or shelf.default()
            given = dict(zip(GUIDANCE.values(), (gs, sgs, noise_level, steps), strict=True))
            given |= {"seed": seed, "size": size}
            if parsed := _edits(edits):
                given["edits"] = [edit.to_dict() for edit in parsed]
            full = api_settings(shelf.describe(chosen), given, settings)
            with _naming("sketch"):
                prepared = load_sketch(sketch, preparation)
            references = []
            named = {"reference": reference, "reference_2": reference_2, "reference_3": reference_3}
            for name, path in named.items():
                if path is not None:
                    with _naming(name):
                        references.append(read_picture(path))
            colorizer = shelf.open(chosen)
            with closing(generate(chosen, None, prepared, references, full, False)) as events:
                for event in events:
                    if isinstance(event, Result):
                        with tempfile.TemporaryDirectory() as folder:
                            yield str(save_results(event, colorizer, Path(folder), "colorized", preparation)[0])
                    else:
                        yield None  # a place where a cancelled call or a lost caller ends the run

    def guidance(name: str) -> gr.Number:
        choice = slider_range(description, GUIDANCE[name])
        meaning = say(f"{name}_meaning", low=choice["minimum"], high=choice["maximum"], default=choice["value"])
        return argument.number(name, meaning, precision=0 if name == "steps" else None)

    _add(
        colorize,
        say("colorize"),
        [
            argument.picture("sketch", say("sketch_meaning")),
            argument.picture("reference", say("reference_meaning")),
            *map(guidance, GUIDANCE),
            argument.number("seed", say("seed_meaning"), 0, precision=0, minimum=0, maximum=MAX_SEED),
            argument.number("size", say("size_meaning", default=description.native_size), precision=0),
            argument.choice("preparation", say("preparation_meaning"), MODES, "auto"),
            argument.text("edits", say("edits_meaning")),
            argument.values("settings", say("settings_meaning")),
            argument.text("model", say("model_meaning", default=description.name)),
            *(argument.picture(f"reference_{number}", say("more_meaning")) for number in range(2, MOST_REFERENCES + 1)),
        ],
        [_png(say("picture"))],
        MODEL,
    )


def _add_heatmap(shelf: ModelShelf) -> None:
    def measure(model, picture, edit, opacity, auto):
        with errors_as_toasts(), shelf.using(model) as colorizer:
            return report_regions(colorizer, picture, edit, opacity, auto)

    measure = on_gpu(measure, HEATMAP_SECONDS)

    def heatmap(
        reference, control, ts0=None, ts1=None, ts2=None, ts3=None, auto_thresholds=False, opacity=0.6, model=None
    ):
        with errors_as_toasts():
            if reference is None:
                raise UserError(say("no_picture"))
            given = zip((ts0, ts1, ts2, ts3), DEFAULT_THRESHOLDS, strict=True)
            thresholds = [default if value is None else value for value, default in given]
            edit = check_region_request(control, thresholds, opacity)
            report = measure(model or shelf.default(), read_picture(reference), edit, opacity, auto_thresholds)
        return report.picture, report.to_dict()

    _add(
        heatmap,
        say("heatmap"),
        [
            argument.picture("reference", say("heatmap_reference_meaning")),
            argument.text("control", say("control_meaning")),
            *(
                argument.number(f"ts{i}", say("threshold_meaning", default=value))
                for i, value in enumerate(DEFAULT_THRESHOLDS)
            ),
            argument.switch("auto_thresholds", say("auto_meaning")),
            argument.number("opacity", say("opacity_meaning"), 0.6),
            argument.text("model", say("model_meaning", default=shelf.default() or "")),
        ],
        [_png(say("heatmap_picture")), gr.JSON(label=say("heatmap_numbers"), visible=False)],
        MODEL,
    )


def _add_sketch() -> None:
    def sketch(picture, preparation="auto"):
        with errors_as_toasts():
            if picture is None:
                raise UserError(say("no_picture"))
            lines = prepare_sketch(read_line_art(picture), preparation)
            if not has_lines(lines):
                raise UserError(text("warning_no_lines"))
        return lines

    _add(
        sketch,
        say("sketch"),
        [
            argument.picture("picture", say("picture_meaning")),
            argument.choice("preparation", say("preparation_meaning"), MODES, "auto"),
        ],
        [_png(say("lines"))],
        PICTURES,
    )


def _add(function, description: str, inputs: list, outputs: list, queue: dict) -> None:
    # MCP takes the meaning of an argument from the docstring. OpenAPI and MCP say of a file only how it is sent, so
    # what it is for stands with the endpoint.
    meanings = [f"    {part.label}: {part.meaning}" for part in inputs]
    function.__doc__ = "\n".join([description, "", "Args:", *meanings])
    files = [f"{part.label}: {part.meaning}" for part in inputs if isinstance(part, gr.Image)]
    gr.Button(visible=False).click(
        function,
        inputs=inputs,
        outputs=outputs,
        api_name=function.__name__,
        api_description=" ".join([description, *files]),
        **queue,
    )


def _png(label: str) -> gr.Image:
    return gr.Image(label=label, format="png", type="filepath", visible=False)
