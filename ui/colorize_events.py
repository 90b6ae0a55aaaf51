"""Which control of the Colorize page does what."""

import secrets

import gradio as gr
from gradio.events import Dependency

from ui import presets, status
from ui.colorize_layout import ColorizePage
from ui.colorize_run import ColorizeRun
from ui.edit_changes import EditChanges
from ui.edit_compare import connect_comparison
from ui.edit_events import connect_edits, connect_strip
from ui.edit_strip import EditStrip
from ui.errors import errors_as_toasts
from ui.estimate import connect_estimate
from ui.examples import Example
from ui.generate import Generate
from ui.history_events import History, connect_history, history_outputs
from ui.history_store import HistoryStore
from ui.layers_panel import connect_layers
from ui.model_shelf import ModelShelf
from ui.model_updates import carried_over, defaults, described, described_components
from ui.picture_events import connect_pictures
from ui.queues import MODEL
from ui.reference_regions import connect_reference_regions
from ui.return_visit import connect_return
from ui.saved_events import connect_saved_settings
from ui.settings_layout import MAX_SEED, SLIDER_RANGES
from ui.settings_load import SettingsLoader
from ui.texts import text

QUIET = {"show_progress": "hidden", "api_visibility": "private"}
LOCAL = {"queue": False, **QUIET}
RUN_ENDED = "() => sessionStorage.getItem('colorize-run') === 'ended'"


def connect(
    page: ColorizePage, shelf: ModelShelf, generate: Generate, examples: list[Example], about: gr.Markdown
) -> ColorizeRun:
    """Attach all events. Call inside the `gr.Blocks` of the page. Returns what a run of the page is."""
    changes = connect_edits(page, shelf)
    history = History(page, HistoryStore())
    loader = SettingsLoader(page, shelf, about, changes, connect_reference_regions(page, shelf))
    run = ColorizeRun(page, shelf, generate, changes, history)
    _connect_run(page, run, changes)
    connect_strip(page, EditStrip(run), changes)
    connect_comparison(page.result, page.shown_seed, page.run_seeds, page.comparison)
    connect_pictures(page)
    connect_estimate(page, shelf)
    connect_layers(page.layers, page.comparison.compared, page.shown_seed, page.run_seeds)
    _connect_settings(page, shelf)
    _connect_variants(page)
    connect_saved_settings(page, loader)
    arrived = _connect_model(page, shelf, about)
    connect_history(page, history, loader)
    connect_return(arrived, page, history, loader)
    _connect_examples(page, examples)
    return run


def _connect_run(page: ColorizePage, run: ColorizeRun, changes: EditChanges) -> None:
    outputs = [
        page.colorize, page.stop, page.status, page.problem, page.empty, page.preview, page.result, page.variants,
        page.download,
        page.settings["seed"], page.seed_reuse, page.run_seeds, page.shown_seed,
        page.comparison.compared, page.comparison.mode, page.comparison.note,
    ]  # fmt: skip
    outputs = list(dict.fromkeys([*outputs, *history_outputs(page)]))
    # Through the queue, because only queued events show their errors; it never waits there.
    settled = page.colorize.click(
        changes.settle, inputs=changes.inputs, outputs=changes.outputs, concurrency_limit=None, **QUIET
    )
    checked = settled.then(
        run.check,
        inputs=run.inputs | changes.inputs,
        outputs=outputs,
        concurrency_limit=None,
        **QUIET,
    )
    running = checked.success(
        run.run,
        inputs=run.inputs,
        outputs=outputs,
        **MODEL,
        show_progress="minimal",
        show_progress_on=page.status,
        trigger_mode="multiple",  # "once" would drop a run that is started while a stopped one is still ending
        api_visibility="private",
    )
    # Gradio reports a cancelled run as failed too, so both ends share a handler and it does not matter which is last.
    ending = {"inputs": {page.problem, page.run_seeds, page.comparison.compared}, "outputs": outputs, **LOCAL}
    running.failure(run.ended, **ending)
    page.stop.click(run.ended, cancels=[running], **ending)


def _connect_settings(page: ColorizePage, shelf: ModelShelf) -> None:
    def apply_preset(preset, model):
        ranges = shelf.describe(model).slider_ranges if model else {}
        return {page.settings[name]: value for name, value in presets.values_within(preset, ranges).items()}

    sliders = [page.settings[name] for name in presets.GUIDED]
    page.preset.input(apply_preset, inputs=[page.preset, page.model], outputs=sliders, **LOCAL)
    for slider in sliders:  # a slider moved by hand is no preset any more
        slider.input(None, outputs=page.preset, js="() => null")

    seed = page.settings["seed"]
    page.seed_dice.click(lambda: secrets.randbelow(MAX_SEED), outputs=seed, **LOCAL)
    seed.input(None, outputs=page.seed_lock, js="() => true")  # who types a seed wants to keep it
    page.seed_reuse.click(lambda shown: (shown, True), inputs=page.shown_seed, outputs=[seed, page.seed_lock], **LOCAL)


def _connect_variants(page: ColorizePage) -> None:
    choice = page.comparison

    def choose(compared, seeds, mode, event: gr.SelectData):
        chosen = compared[event.index]
        is_edited = gr.update(visible=chosen.unedited is not None)
        shown = gr.update(value=chosen.pair(mode), label=text("stage_result"))
        note = gr.update(value=chosen.note, visible=chosen.unedited is not None)
        return shown, is_edited, note, chosen.result, seeds[event.index]

    page.variants.select(
        choose,
        inputs=[choice.compared, page.run_seeds, choice.mode],
        outputs=[page.result, choice.mode, choice.note, page.download, page.shown_seed],
        **LOCAL,
    )


def _connect_model(page: ColorizePage, shelf: ModelShelf, about: gr.Markdown) -> Dependency:
    """The event of a visitor's arrival is returned."""
    default = shelf.default()
    built_for = shelf.describe(default) if default else None

    def describe(values):
        with errors_as_toasts():
            description = shelf.describe(values[page.model])
        before = shelf.describe_any(values[page.fitted])
        return described(page, about, description, carried_over(page, values, before, description))

    def arrive(run_ended):
        """The checkpoints folder may have changed since the program started."""
        name = shelf.default()
        if name is None:
            return {page.status: status.idle(text("status_no_model"))}
        with errors_as_toasts():
            description = shelf.describe(name)
        return {
            page.model: gr.update(choices=shelf.names(), value=name),
            page.status: status.idle(text("status_run_ended" if run_ended else "status_ready")),
            # The values of the page as it was built would come late, over what a quick visitor has typed.
            **({} if description == built_for else described(page, about, description, defaults(description))),
        }

    run_ended = gr.Checkbox(visible=False)  # by the browser, when this page was loaded again in the middle of a run
    outputs = described_components(page, about)
    inputs = {page.model, page.fitted, *(page.settings[name] for name in ("size", *SLIDER_RANGES))}
    at_once = {"concurrency_limit": None, **QUIET}
    page.model.input(describe, inputs=inputs, outputs=outputs, **at_once)
    return gr.on(None, arrive, inputs=run_ended, outputs=[page.model, page.status, *outputs], js=RUN_ENDED, **at_once)


def _connect_examples(page: ColorizePage, examples: list[Example]) -> None:
    settings = list(page.settings.values())

    def load(event: gr.SelectData):
        example = examples[event.index]
        return {
            page.sketch: str(example.sketch),
            page.reference: str(example.reference),
            page.preparation: example.preparation,
            page.status: status.idle(text("status_example", title=example.title)),
            page.examples: gr.update(selected_index=None),
            **{page.settings[name]: value for name, value in example.settings.items()},
            **({page.preset: None} if example.settings.keys() & presets.GUIDED else {}),
            **({page.seed_lock: True} if "seed" in example.settings else {}),
        }

    page.examples.select(
        load,
        outputs=[
            page.sketch, page.reference, page.preparation, page.preset, page.seed_lock, page.status, page.examples,
            *settings,
        ],
        **LOCAL,
    )  # fmt: skip
