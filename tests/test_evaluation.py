"""The benchmark: measures on pictures whose answers are known, folders of triples good and bad, the standard set."""

import json
import os

import numpy as np
import pytest
import torch
from PIL import Image
from skimage.color import lab2rgb

from colorizer.cli import main
from colorizer.data.characters import render_character, sample_character
from colorizer.data.library import pack
from colorizer.data.triples import TripleOptions
from colorizer.errors import UserError
from colorizer.evaluation.areas import figure_mask, flat_regions
from colorizer.evaluation.batched import colorize_batch
from colorizer.evaluation.benchmark import Evaluation, evaluate
from colorizer.evaluation.make_triples import STANDARD, TripleSet, make_triples, only_styles, told_share
from colorizer.evaluation.metrics import bootstrap_mean, line_fidelity, mean_ciede2000, psnr, region_hits, ssim
from colorizer.evaluation.triples import find_triples, read_triple, reference_mean, white_sketch
from colorizer.lineart import classify_sketch
from colorizer.pipeline import Colorizer
from colorizer.settings import GenerationSettings
from tests.two_fields import BLUE, RED, SKIN, drawing


def regions_of(truth, sketch):
    return flat_regions(truth, sketch, figure_mask(truth))


class TestAreas:
    def test_figure_is_all_but_the_background(self):
        truth, _ = drawing(background="white")
        coloured, _ = drawing(background=(90, 160, 90))
        mask = figure_mask(truth)
        assert np.array_equal(mask, figure_mask(coloured))
        assert mask[100, 100] and mask[100, 150] and not mask[10, 10] and not mask[230, 128]
        assert mask.mean() == pytest.approx(150 * 130 / 256**2, rel=0.05)

    def test_white_inside_the_figure_belongs_to_it(self):
        assert figure_mask(drawing(left="white")[0])[100, 80]

    def test_white_background_wins_over_a_figure_that_fills_most_of_the_border(self):
        picture = np.full((100, 100, 3), 255, np.uint8)
        picture[35:] = RED
        assert np.array_equal(figure_mask(picture)[:, 50], np.arange(100) >= 35)

    def test_a_painting_is_figure_everywhere(self):
        picture = np.random.default_rng(0).integers(0, 255, (64, 64, 3), dtype=np.uint8)
        assert figure_mask(picture).all()

    def test_regions_are_the_two_fields(self):
        regions = regions_of(*drawing())
        assert sorted(map(tuple, regions.colours)) == sorted([RED, SKIN])
        red = regions.labels == 1 + [tuple(c) for c in regions.colours].index(RED)
        assert red[100, 80] and not red[100, 150] and not red[10, 10]

    def test_lines_soft_edges_and_white_background_are_no_regions(self):
        truth, sketch = drawing()
        regions = regions_of(truth, sketch)
        for label, colour in enumerate(regions.colours, 1):
            assert (truth[regions.labels == label] == colour).all()
        assert (regions.labels[sketch < 128] == 0).all()

    def test_outlines_of_the_truth_are_lines_where_the_sketch_is_a_little_off(self):
        truth, sketch = drawing()
        assert len(regions_of(truth, np.roll(sketch, 3, (0, 1)))) == 2

    def test_a_black_field_that_the_sketch_leaves_white_is_a_region(self):
        assert len(regions_of(*drawing(left="black"))) == 2

    def test_coloured_background_is_a_region(self):
        assert len(regions_of(*drawing(background=(90, 160, 90)))) == 3

    def test_white_within_the_figure_is_a_region(self):
        assert len(regions_of(*drawing(left="white"))) == 2

    def test_smallest_region(self):
        truth, sketch = np.full((64, 64, 3), 255, np.uint8), np.full((64, 64), 255, np.uint8)
        truth[10:18, 10:18] = RED  # 64 px
        truth[30:37, 10:19] = BLUE  # 63 px
        assert [tuple(c) for c in regions_of(truth, sketch).colours] == [RED]

    def test_a_colour_in_two_places_is_two_regions(self):
        truth, sketch = np.full((64, 64, 3), 255, np.uint8), np.full((64, 64), 255, np.uint8)
        truth[10:20, 10:20] = truth[20:30, 20:30] = RED  # they touch at a corner
        assert len(regions_of(truth, sketch)) == 2


class TestMetrics:
    def test_a_perfect_result(self):
        truth, sketch = drawing()
        assert mean_ciede2000(truth, truth, figure_mask(truth)) == 0
        assert region_hits(truth, regions_of(truth, sketch)).tolist() == [True, True]
        assert line_fidelity(truth, sketch) == 1
        assert psnr(truth, truth) == 100 and ssim(truth, truth) == pytest.approx(1)

    def test_ciede2000_counts_the_mask_alone(self):
        # A pair of the table in Sharma, Wu and Dalal 2005 that is inside sRGB.
        first, second = (
            np.rint(255 * lab2rgb(np.full((4, 4, 3), lab))).astype(np.uint8)
            for lab in ((50.0, 2.5, 0), (73.0, 25, -18))
        )
        mask = np.zeros((4, 4), bool)
        mask[1] = True
        first[~mask] = 0
        assert mean_ciede2000(first, second, mask) == pytest.approx(27.1492, abs=0.3)

    def test_one_region_of_two_has_another_colour(self):
        truth, sketch = drawing()
        wrong, _ = drawing(right=BLUE)
        regions = regions_of(truth, sketch)
        hits = dict(zip(map(tuple, regions.colours), region_hits(wrong, regions), strict=True))
        assert hits == {RED: True, SKIN: False}

    def test_a_region_has_its_colour_up_to_a_difference_of_ten(self):
        grey = [
            np.full((16, 16, 3), np.rint(255 * lab2rgb([[[50.0 + d, 0, 0]]])[0, 0, 0]), np.uint8) for d in (0, 9, 11)
        ]
        regions = flat_regions(grey[0], np.full((16, 16), 255, np.uint8), np.ones((16, 16), bool))
        # near L* = 50 the weight of lightness is 1, so that the difference is that of L*
        assert [region_hits(picture, regions).all() for picture in grey] == [True, True, False]

    def test_the_median_ignores_less_than_half_of_a_region(self):
        truth, sketch = drawing()
        result = truth.copy()
        result[60:115, 50:120] = BLUE
        assert region_hits(result, regions_of(truth, sketch)).all()
        result[60:135, 50:120] = BLUE
        assert region_hits(result, regions_of(truth, sketch)).sum() == 1

    def test_psnr_of_a_known_error(self):
        truth = np.full((32, 32, 3), 100, np.uint8)
        assert psnr(truth + np.uint8(10), truth) == pytest.approx(20 * np.log10(255 / 10))

    def test_no_lines_left(self):
        truth, sketch = drawing()
        assert line_fidelity(np.full_like(truth, 255), sketch) == 0
        assert line_fidelity(truth, np.full_like(sketch, 255)) is None

    def test_half_of_the_lines_left(self):
        truth, sketch = drawing()
        result = truth.copy()
        result[:, 160:] = SKIN
        expected = (sketch[:, :160] < 128).sum() / (sketch < 128).sum()
        assert line_fidelity(result, sketch) == pytest.approx(expected, abs=0.02)

    def test_noise_makes_no_lines(self):
        _, sketch = drawing()
        noise = np.random.default_rng(0).normal(200, 2, (256, 256, 1)).clip(0, 255).repeat(3, -1)
        assert line_fidelity(noise.astype(np.uint8), sketch) < 0.05

    def test_the_middle_of_a_black_area_does_not_count(self):
        sketch = np.full((256, 256), 255, np.uint8)
        sketch[50:150, 50:150] = 0
        result = np.full((256, 256, 3), 200, np.uint8)
        result[50:150, 50:150] = 0
        result[80:120, 80:120] = 255
        assert line_fidelity(result, sketch) == 1

    def test_bootstrap_interval_covers_the_mean_as_often_as_it_says(self):
        rng = np.random.default_rng(1)
        covered = 0
        for seed in range(200):
            estimate = bootstrap_mean(rng.normal(3, 2, 60), seed=seed, resamples=500)
            assert estimate.low < estimate.mean < estimate.high
            covered += estimate.low <= 3 <= estimate.high
        assert 0.88 <= covered / 200 <= 0.99

    def test_bootstrap_leaves_out_what_does_not_apply(self):
        estimate = bootstrap_mean([1.0, None, 2.0, 9.0], weights=[3, 5, 1, 0])
        assert (estimate.mean, estimate.count) == (1.25, 2)
        assert bootstrap_mean([None]).mean is None
        assert bootstrap_mean([4.0]).low == 4


@pytest.fixture(scope="module")
def heads():
    """Five held-out characters as a library, two at least of a style: a reference shows another one."""
    styles = ["adventurer"] * 3 + ["micah"] * 2
    specs = [sample_character(np.random.default_rng(i), "held-out", style) for i, style in enumerate(styles)]
    return pack([render_character(spec, 256) for spec in specs])


@pytest.fixture(scope="module")
def standard(heads, tmp_path_factory):
    """A folder of two standard triples."""
    folder = tmp_path_factory.mktemp("triples") / "set"
    make_triples(folder, heads, TripleSet(count=2), {})
    return folder


class TestMakeTriples:
    def test_items_are_complete_and_solvable(self, standard):
        for name, paths in find_triples(standard).items():
            triple = read_triple(name, paths)
            assert triple.truth.size == triple.reference.size == triple.sketch.size == (256, 256)
            truth = np.asarray(triple.truth)
            assert len(flat_regions(truth, triple.lines, triple.figure)) >= 2
            assert line_fidelity(truth, triple.lines) > 0.9
            # what is derived from the truth agrees with the exact mask
            derived = figure_mask(truth)
            assert (derived & triple.figure).sum() / (derived | triple.figure).sum() > 0.9

    def test_what_a_sketch_and_a_reference_tell(self):
        truth, sketch = drawing()
        figure = figure_mask(truth) * np.uint8(255)
        item = {"truth": truth, "sketch": sketch, "reference": truth, "figure": figure}
        assert told_share(item) == 1
        # the reference lacks the colour of the right field, a little more than half of the figure
        lacking = item | {"reference": drawing(right=RED)[0]}
        assert told_share(lacking) == pytest.approx(70 / 150, abs=0.05)
        assert told_share(lacking, colours=False) == 1
        # the sketch leaves out all but the line to the left
        blank = sketch.copy()
        blank[:, 60:] = 255
        assert told_share(item | {"sketch": blank}) == 0

    def test_manifest(self, standard, heads):
        manifest = json.loads((standard / "manifest.json").read_text())
        assert sum(manifest["styles"].values()) == len(manifest["items"]) == 2
        for item in manifest["items"]:
            assert item["drawing"] in heads.names and item["reference"] in heads.names
            assert item["drawing"] != item["reference"]
            assert (standard / "truth" / f"{item['name']}.png").exists()

    def test_an_item_depends_on_seed_and_place_only(self, standard, heads, tmp_path):
        make_triples(tmp_path / "one", heads, TripleSet(count=1), {})
        make_triples(tmp_path / "other", heads, TripleSet(count=1, seed=1), {})
        first = sorted((standard / "truth").iterdir())[0]
        assert (tmp_path / "one" / "truth" / first.name).read_bytes() == first.read_bytes()
        other = next((tmp_path / "other" / "truth").iterdir())
        assert other.read_bytes() != first.read_bytes()

    def test_self_reference_is_the_truth(self, heads, tmp_path):
        options = TripleOptions(size=128, reference="self", clean=0.0, shaded=1.0, plain=1.0)
        make_triples(tmp_path / "set", heads, TripleSet(1, 0, options), {})
        (reference,), (truth,) = ((tmp_path / "set" / part).iterdir() for part in ("reference", "truth"))
        assert reference.read_bytes() == truth.read_bytes()
        assert STANDARD.clean == 1 and STANDARD.shaded == 0

    def test_a_folder_in_use_is_refused(self, standard, heads):
        with pytest.raises(UserError, match="not empty"):
            make_triples(standard, heads, TripleSet(count=1), {})

    def test_only_styles(self, heads):
        assert only_styles(heads, ["micah"]).names == heads.names[3:]
        with pytest.raises(UserError, match="toon-head"):
            only_styles(heads, ["toon-head"])


def write_triple(folder, name, truth, sketch, reference=None):
    for part, pixels in (
        ("sketch", sketch),
        ("truth", truth),
        ("reference", truth if reference is None else reference),
    ):
        (folder / part).mkdir(parents=True, exist_ok=True)
        Image.fromarray(pixels).save(folder / part / f"{name}.png")


class TestFolders:
    def test_baselines(self, tmp_path):
        truth, sketch = drawing(background=(90, 160, 90))
        reference = np.full((300, 200, 3), 255, np.uint8)
        reference[50:150, 50:150] = BLUE
        write_triple(tmp_path, "a", truth, sketch, reference)
        triple = read_triple("a", find_triples(tmp_path)["a"])
        assert (white_sketch(triple)[..., 0] == sketch).all()
        filled = reference_mean(triple)
        assert tuple(filled[100, 80]) == tuple(filled[100, 150]) == BLUE
        assert (filled[10, 10] == 255).all() and (filled[125, 51] < 30).all()

    def test_given_figure_is_used(self, tmp_path):
        write_triple(tmp_path, "a", *drawing())
        mask = np.zeros((256, 256), np.uint8)
        mask[:40] = 255
        (tmp_path / "figure").mkdir()
        Image.fromarray(mask).save(tmp_path / "figure" / "a.png")
        assert np.array_equal(read_triple("a", find_triples(tmp_path)["a"]).figure, mask > 0)

    def test_white_lines_on_black_are_inverted_and_no_sketch_is_taken_for_a_painting(self, tmp_path):
        truth, sketch = drawing()
        filled = np.asarray(Image.fromarray(truth).convert("L"))
        write_triple(tmp_path, "a", truth, 255 - sketch)
        write_triple(tmp_path, "b", truth, filled)
        found = find_triples(tmp_path)
        assert np.array_equal(read_triple("a", found["a"]).lines, sketch)
        assert classify_sketch(Image.fromarray(filled).convert("RGB")) == "extract"
        assert (read_triple("b", found["b"]).lines[filled < 110] < 128).all()  # the dark field stays dark

    def test_sketch_of_another_size(self, tmp_path):
        truth, _ = drawing(size=512, scale=2)
        write_triple(tmp_path, "a", truth, drawing()[1])
        triple = read_triple("a", find_triples(tmp_path)["a"])
        assert triple.lines.shape == (512, 512)
        assert len(flat_regions(truth, triple.lines, triple.figure)) == 2

    @pytest.mark.parametrize(
        ("spoil", "reason"),
        [
            (lambda f: (f / "reference/a.png").unlink(), r"reference/a\.png missing"),
            (lambda f: (f / "truth/a.png").write_text("no picture"), r"truth/a\.png: This is not"),
            (lambda f: os.truncate(f / "truth/a.png", 300), r"truth/a\.png: .*damaged"),
            (lambda f: Image.new("RGB", (60, 60)).save(f / "truth/a.png"), r"truth/a\.png is 60 x 60"),
            (lambda f: Image.new("RGB", (4, 4)).save(f / "reference/a.png"), r"reference/a\.png: .*at least"),
            (lambda f: Image.new("L", (256, 256), 255).save(f / "sketch/a.png"), "no lines"),
            (lambda f: Image.new("RGB", (256, 400), "red").save(f / "truth/a.png"), "proportions"),
            (lambda f: Image.new("RGB", (256, 256), "red").save(f / "truth/a.png"), "no figure"),
        ],
    )  # fmt: skip
    def test_what_is_wrong_is_said(self, tmp_path, spoil, reason):
        write_triple(tmp_path, "a", *drawing())
        spoil(tmp_path)
        with pytest.raises(UserError, match=reason):
            read_triple("a", find_triples(tmp_path)["a"])

    def test_no_folder_no_pictures(self, tmp_path):
        with pytest.raises(UserError, match="sketch"):
            find_triples(tmp_path)
        for part in ("sketch", "reference", "truth"):
            (tmp_path / part).mkdir()
        with pytest.raises(UserError, match="no pictures"):
            find_triples(tmp_path)


class TestEvaluate:
    def test_command_lists_bad_files_and_reports_the_rest(self, standard, tiny_checkpoint, tmp_path, capsys):
        folder = tmp_path / "set"
        names = list(find_triples(standard))
        for name in names:
            triple = read_triple(name, find_triples(standard)[name])
            write_triple(folder, name, *map(np.asarray, (triple.truth, triple.sketch, triple.reference)))
        (folder / "sketch" / "bad.png").write_text("no picture")
        (folder / "reference" / "bad.png").write_text("no picture")
        (folder / "truth" / "bad.png").write_text("no picture")
        (folder / "sketch" / "notes.txt").write_text("not listed")
        out, grid = tmp_path / "report.json", tmp_path / "grid.png"
        options = ["--steps", "2", "--device", "cpu", "--seed", "5", "--checkpoint", str(tiny_checkpoint)]
        assert main(["evaluate", "--triples", str(folder), "--out", str(out), "--grid", str(grid), *options]) == 0

        report = json.loads(out.read_text())
        assert [item["name"] for item in report["items"]] == names
        assert [(skip["name"], skip["reason"][:14]) for skip in report["skipped"]] == [("bad", "sketch/bad.png")]
        assert [item["seed"] for item in report["items"]] == [5, 6]
        for subject in ("result", "white_sketch", "reference_mean"):
            for measure, estimate in report[subject].items():
                assert estimate["count"] == 2, measure
                assert estimate["low"] <= estimate["mean"] <= estimate["high"]
            mean = np.mean([item[subject]["ciede2000"] for item in report["items"]])
            assert report[subject]["ciede2000"]["mean"] == pytest.approx(mean)
        assert report["white_sketch"]["line_fidelity"]["mean"] == 1
        assert report["seconds_a_picture"]["mean"] > 0
        assert report["settings"]["steps"] == 2
        with Image.open(grid) as picture:
            assert picture.size == (4 * 256, 2 * 256)
            truth = read_triple(names[0], find_triples(folder)[names[0]]).truth
            assert picture.crop((768, 0, 1024, 256)).tobytes() == truth.tobytes()
        printed = capsys.readouterr()
        assert "2 triples, 1 skipped" in printed.out and "skipped bad: sketch/bad.png" in printed.err

    def test_limit_and_nothing_left(self, standard, tiny_checkpoint, tmp_path):
        colorizer = Colorizer.load(tiny_checkpoint, "cpu")
        settings = GenerationSettings(steps=2)
        report = evaluate(colorizer, standard, Evaluation(settings, limit=1))
        assert report["count"] == 1 and report["result"]["psnr"]["low"] == report["result"]["psnr"]["mean"]
        write_triple(tmp_path, "a", np.zeros((20, 20, 3), np.uint8), np.zeros((20, 20), np.uint8))
        with pytest.raises(UserError, match="20 x 20"):
            evaluate(colorizer, tmp_path, Evaluation(settings))

    @pytest.mark.parametrize("options", [["--adain"], ["--injection", "0.5", "--style-fidelity", "1"]])
    def test_closer_to_the_reference(self, standard, tiny_checkpoint, tmp_path, options):
        def measured(*options):
            given = ["--triples", standard, "--checkpoint", tiny_checkpoint, "--out", tmp_path / "report.json"]
            given += ["--steps", "2", "--limit", "1", "--device", "cpu", "--dtype", "float32"]
            assert main(["evaluate", *map(str, given), *options]) == 0
            return json.loads((tmp_path / "report.json").read_text())

        drawn, plain = measured(*options), measured()
        assert drawn["result"]["psnr"]["mean"] != plain["result"]["psnr"]["mean"]
        assert drawn["settings"]["adain"] + drawn["settings"]["attention_injection"] in (0.5, 1)

    def test_a_batch_gives_the_pictures_of_single_generations(self, standard, tiny_checkpoint):
        colorizer = Colorizer.load(tiny_checkpoint, "cpu", dtype="float32")
        triples = [read_triple(name, paths) for name, paths in find_triples(standard).items()]
        sketches = [colorizer.encode_sketch(triple.sketch) for triple in triples]
        references = [colorizer.encode_reference(triple.reference) for triple in triples]
        settings = GenerationSettings(steps=3, guidance_scale=3, sketch_guidance_scale=1.5)
        together = colorize_batch(colorizer, sketches, references, settings, [7, 8])
        for picture, seed, sketch, reference in zip(together, (7, 8), sketches, references, strict=True):
            *_, alone = colorizer.generate(sketch, reference, settings.evolve(seed=seed), previews=False)
            difference = np.asarray(picture, int) - np.asarray(alone.images[0], int)
            assert np.abs(difference).max() <= 2
        assert np.abs(np.asarray(together[0], int) - np.asarray(together[1], int)).mean() > 5

    def test_a_batch_too_large_for_the_memory_is_halved(self, standard, tiny_checkpoint, monkeypatch):
        colorizer = Colorizer.load(tiny_checkpoint, "cpu")
        forward = colorizer.model.unet.forward

        def limited(z, *args):
            if len(z) > 1:
                raise torch.OutOfMemoryError("out of memory")
            return forward(z, *args)

        monkeypatch.setattr(colorizer.model.unet, "forward", limited)
        assert evaluate(colorizer, standard, Evaluation(GenerationSettings(steps=2)))["count"] == 2

    def test_mistakes_are_found_before_the_work(self, standard, tmp_path, capsys):
        out = str(tmp_path / "missing" / "report.json")
        assert main(["evaluate", "--triples", str(standard), "--out", out]) == 2
        assert main(["evaluate", "--triples", str(tmp_path / "no"), "--out", str(tmp_path / "r.json")]) == 2
        assert main(["make-triples", str(tmp_path / "set"), "--clean", "2"]) == 2
        errors = capsys.readouterr().err
        assert "cannot be written" in errors and "no folder" in errors and "--clean is 2" in errors


@pytest.mark.parametrize("command", ["make-triples", "make-edits"])
@pytest.mark.parametrize(
    ("folder", "said"), [("", "is not empty"), ("file", "cannot be made"), ("file/set", "cannot be made")]
)
def test_a_set_that_cannot_be_written_is_refused_before_it_is_drawn(
    command, folder, said, tmp_path, monkeypatch, capsys
):
    def drawn(*_):
        raise AssertionError("the drawings take minutes")

    monkeypatch.setattr(f"colorizer.cli.{command.replace('-', '_')}.build_library", drawn)
    (tmp_path / "file").touch()
    assert main([command, str(tmp_path / folder)]) == 2
    assert said in capsys.readouterr().err
