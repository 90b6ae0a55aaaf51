"""Settings that come back: presets of a visitor, and what fits the page's controls."""

import io
import json

import gradio as gr
import pytest
from PIL import Image
from PIL.PngImagePlugin import PngInfo

from colorizer.checkpoint import checkpoint_hash
from colorizer.errors import UserError
from colorizer.manipulation import Edit, RegionMask
from colorizer.png import CHUNK, PictureParameters, save_png
from colorizer.settings import GenerationSettings
from ui import presets, saved_presets
from ui.colorize_layout import build_colorize_page
from ui.edit_changes import EditChanges
from ui.edit_form import Painted
from ui.edit_list import EditList
from ui.edit_look import EditLook
from ui.edit_session import EditSession
from ui.model_shelf import ModelShelf
from ui.reference_regions import ReferenceRegions
from ui.settings_load import SettingsLoader

SETTINGS = GenerationSettings(steps=33, guidance_scale=4, seed=9, batch_size=3, sampler="euler", edits=(Edit("red"),))


def test_a_preset_holds_the_way_of_working_and_not_the_picture():
    saved = saved_presets.save({}, "  My   way ", SETTINGS)
    assert list(saved) == ["My way"]
    current = GenerationSettings(seed=5, batch_size=2)
    settings, not_restored = saved_presets.load(json.loads(json.dumps(saved)), "My way", current)
    assert settings == GenerationSettings(steps=33, guidance_scale=4, seed=5, batch_size=2, sampler="euler")
    assert not_restored == ()


def test_presets_are_overwritten_renamed_and_deleted():
    saved = saved_presets.save(saved_presets.save({}, "a", SETTINGS), "b", SETTINGS)
    saved = saved_presets.save(saved, "a", SETTINGS.evolve(steps=7))
    assert (list(saved), saved["a"]["steps"]) == (["a", "b"], 7)
    renamed = saved_presets.rename(saved, "a", "c")
    assert (list(renamed), renamed["c"]["steps"]) == (["c", "b"], 7)
    onto = saved_presets.rename(saved, "a", "b")
    assert (list(onto), onto["b"]["steps"]) == (["b"], 7)
    assert saved_presets.rename(saved, "a", "a") == saved
    assert list(saved_presets.delete(saved, "a")) == ["b"]


@pytest.mark.parametrize("name", [None, "", "   ", "x" * 41, "a\x00b", "a\u202eb", "__proto__"])
def test_names_that_cannot_be_kept_are_refused(name):
    with pytest.raises(UserError, match="1 to 40"):
        saved_presets.save({}, name, SETTINGS)


def test_what_is_not_there_or_too_much_is_refused():
    for action in (saved_presets.delete, lambda saved, name: saved_presets.load(saved, name, SETTINGS)):
        for name in ("a", None, ["a"], {}):
            with pytest.raises(UserError, match="Choose one"):
                action({}, name)
    saved = {}
    for number in range(saved_presets.MOST):
        saved = saved_presets.save(saved, f"preset {number}", SETTINGS)
    with pytest.raises(UserError, match="40 presets"):
        saved_presets.save(saved, "one more", SETTINGS)
    assert len(saved_presets.save(saved, "preset 3", SETTINGS)) == saved_presets.MOST


@pytest.mark.parametrize("stored", [None, [], "x", 3, {"a": 1}, {"": {}}, {"x" * 41: {}}, {"a": [{}]}])
def test_what_a_browser_stored_wrongly_is_no_preset(stored):
    assert saved_presets.read(stored) == {}


def test_good_values_of_a_damaged_preset_survive():
    settings, not_restored = saved_presets.load({"a": {"steps": 12, "sampler": 3, "magic": 1}}, "a", SETTINGS)
    assert settings.steps == 12
    assert set(not_restored) == {"sampler", "magic"}


def _loader(page, shelf):
    changes = EditChanges(page, shelf, EditLook(page, shelf))
    return SettingsLoader(page, shelf, gr.Markdown(), changes, ReferenceRegions(page, shelf))


def now(loader):
    """The values of an untouched page."""
    values = {component: getattr(component, "value", None) for component in loader.inputs}
    panel = loader.page.edit
    return values | {panel.edits: EditList(), panel.painted: Painted(), panel.session: EditSession()}


@pytest.fixture(scope="module")
def loader(tiny_checkpoint):
    shelf = ModelShelf(tiny_checkpoint.parent, device="cpu")
    description = shelf.describe(shelf.default())
    with gr.Blocks():
        page = build_colorize_page(shelf.names(), description, "CPU", [])
        return _loader(page, shelf)


@pytest.fixture
def warnings(monkeypatch):
    """The messages of toasts."""
    shown = []
    monkeypatch.setattr(gr, "Warning", lambda message, **_: shown.append(message))
    return shown


def hash_of_model(loader):
    return checkpoint_hash(loader.shelf._path(loader.shelf.default()))


def values(loader, updates):
    """setting -> value"""
    plain = {name: updates[component] for name, component in loader.page.settings.items() if component in updates}
    return {name: value["value"] if isinstance(value, dict) else value for name, value in plain.items()}


def test_everything_of_a_picture_comes_back(loader, tmp_path, tiny_checkpoint, warnings):
    edits = (Edit("green hair", control="the hair"), Edit("blue clothes"))
    settings = SETTINGS.evolve(noise_level=0.4, edits=edits)
    parameters = PictureParameters(settings, 11, "tiny", checkpoint_hash(tiny_checkpoint), preparation="extract")
    save_png(Image.new("RGB", (8, 8)), tmp_path / "a.png", parameters)
    updates = loader.load(tmp_path / "a.png", now(loader))
    restored = values(loader, updates)
    assert restored.pop("size") == 64
    assert restored == {name: getattr(settings.evolve(seed=11, batch_size=1), name) for name in restored}
    assert updates[loader.page.edit.edits].edits == edits
    assert updates[loader.page.preparation] == "extract"
    assert updates[loader.page.seed_lock] is True
    assert loader.page.model not in updates
    assert warnings == []


def test_weights_and_regions_of_references_come_back_and_missing_pictures_are_said(loader, tmp_path, warnings):
    regions = loader.regions
    mask, small = RegionMask(("++..",) * 4), RegionMask(("+.", ".-"))
    settings = GenerationSettings(reference_weights=(1, 0.5, 2), reference_regions=(None, mask, small))
    parameters = PictureParameters(settings, 0, "tiny", hash_of_model(loader))
    updates = loader.restore(parameters, now(loader))
    assert [updates[slider] for slider in regions.more.weights] == [1, 0.5, 2]
    (message,) = warnings
    assert "3 references and there are 0" in message and "reference 3 does not fit" in message
    values = now(loader) | updates
    assert [values[state].painted.mask for state in regions.more.painted] == [None, mask, None]

    # the picture that the region was painted on is added, then another one
    path = tmp_path / "reference.png"
    Image.new("RGB", (40, 40), "teal").save(path)
    values |= {regions.pictures[1]: str(path)}
    values |= regions.changed(values, 1)
    assert values[regions.more.painted[1]].painted.mask == mask
    assert values[regions.more.canvases[1]]["painted"] == str(mask)
    values |= regions.changed(values | {regions.pictures[1]: str(path) + ".other"}, 1)
    assert values[regions.more.painted[1]].painted.mask is None

    # settings of another picture take weights and regions away again
    plain = loader.restore(
        PictureParameters(GenerationSettings(), 0, "tiny", hash_of_model(loader)), now(loader) | updates
    )
    assert [plain[slider] for slider in regions.more.weights] == [1, 1, 1]
    assert plain[regions.more.painted[1]].painted.mask is None


def test_what_does_not_fit_is_brought_near_and_said(loader, warnings):
    settings = GenerationSettings(steps=150, guidance_scale=30, size=1000)
    parameters = PictureParameters(settings, 0, "<b>big</b>", "0123456789", not_restored=("<i>magic</i>",))
    updates = loader.restore(parameters, now(loader))
    restored = values(loader, updates)
    assert (restored["steps"], restored["guidance_scale"], restored["size"]) == (50, 10, 512)
    (message,) = warnings
    for part in ("Steps was 150; the nearest value here is 50", "&lt;i&gt;magic", "&lt;b&gt;big&lt;/b&gt; 0123456789"):
        assert part in message
    assert "<b>" not in message and "<i>" not in message


def test_what_a_file_has_no_valid_value_for_stays_as_it_is_on_the_page(loader, warnings):
    lost = ("steps", "guidance_scale", "edits", "magic")
    parameters = PictureParameters(GenerationSettings(), 0, "tiny", hash_of_model(loader), not_restored=lost)
    page = loader.page
    updates = loader.restore(parameters, now(loader) | {page.edit.edits: EditList((Edit("red"),))})
    assert not {page.settings["steps"], page.settings["guidance_scale"], page.edit.edits} & updates.keys()
    assert updates[page.settings["noise_level"]] is not None
    assert updates[page.preset] is None
    (message,) = warnings
    assert "does not know “magic”." in message
    assert "no valid value for “Steps”, “Reference guidance (GS)”, “edits”." in message


@pytest.mark.parametrize("preset", presets.PRESETS)
def test_settings_that_are_a_preset_choose_it(loader, preset):
    ranges = loader.shelf.describe(loader.shelf.default()).slider_ranges
    settings = GenerationSettings(**presets.values_within(preset, ranges))
    parameters = PictureParameters(settings, 0, "tiny", hash_of_model(loader))
    assert loader.restore(parameters, now(loader))[loader.page.preset] == preset
    moved = PictureParameters(settings.evolve(guidance_scale=2.7), 0, "tiny", hash_of_model(loader))
    assert loader.restore(moved, now(loader))[loader.page.preset] is None


def test_a_picture_of_another_model_here_chooses_that_model(tiny_checkpoint, tiny_cls_checkpoint, warnings):
    shelf = ModelShelf(tiny_checkpoint.parent, device="cpu", extra=tiny_cls_checkpoint)
    with gr.Blocks():
        page = build_colorize_page(shelf.names(), shelf.describe(tiny_cls_checkpoint.name), "CPU", [])
        loader = _loader(page, shelf)
    parameters = PictureParameters(GenerationSettings(), 0, "tiny", checkpoint_hash(tiny_checkpoint))
    updates = loader.restore(parameters, now(loader))
    assert updates[page.model] == tiny_checkpoint.name
    assert warnings == []


def hostile(kind):
    good = {"format": 1, "model": "m", "seed": 5, "settings": {}}
    text = {
        "huge text": "x" * 5_000_000,
        "deep json": "[" * 60_000,
        "half a surrogate": json.dumps({**good, "model": "\ud800"}),
        "wrong types": json.dumps({**good, "settings": {"edits": [[{}]]}, "seed": [1]}),
    }
    info = PngInfo()
    if kind == "zTXt bomb":
        info.add_text(CHUNK, "x" * 60_000_000, zip=True)
    elif kind == "iTXt bomb":
        info.add_itxt(CHUNK, "x" * 60_000_000, zip=True)
    elif kind == "many chunks":
        for number in range(200):
            info.add_text(f"{CHUNK}{number}", "x" * 900_000, zip=True)
    else:
        info.add_text(CHUNK, text[kind])
    buffer = io.BytesIO()
    Image.new("RGB", (4, 4)).save(buffer, "PNG", pnginfo=info)
    return buffer.getvalue()


KINDS = ["huge text", "deep json", "half a surrogate", "wrong types", "zTXt bomb", "iTXt bomb", "many chunks"]


@pytest.mark.parametrize("kind", KINDS)
def test_hostile_pictures_are_refused_with_a_message(loader, tmp_path, kind):
    path = tmp_path / "hostile.png"
    path.write_bytes(hostile(kind))
    with pytest.raises(UserError):
        loader.load(path, now(loader))


def test_a_preset_can_be_chosen_that_only_the_browser_knows(loader):
    """The server forgets the choices of a page when many others come."""
    assert loader.page.saved.chosen.preprocess("Mine") == "Mine"


def test_a_picture_without_parameters_is_refused(loader, tmp_path):
    Image.new("RGB", (8, 8)).save(tmp_path / "plain.png")
    with pytest.raises(UserError, match="no settings"):
        loader.load(tmp_path / "plain.png", now(loader))
