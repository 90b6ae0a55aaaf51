"""The stratified heatmap, the histogram, the change map and the `heatmap` command."""

import json
from argparse import ArgumentParser
from itertools import combinations

import matplotlib.pyplot
import numpy as np
import pytest
import torch
from PIL import Image
from skimage.color import deltaE_ciede2000, rgb2lab

from colorizer.change_map import change_picture, colour_difference
from colorizer.cli.heatmap import add_arguments, run
from colorizer.errors import UserError
from colorizer.heatmap import (
    BANDS,
    SMALLEST_SIDE,
    band_grid,
    legend,
    relevance_histogram,
    stratified_heatmap,
    with_legend,
)
from colorizer.manipulation import DEFAULT_THRESHOLDS

# Machado, Oliveira and Fernandes 2009, severity 1.0, on linear RGB
COLOUR_VISION = {
    "normal": np.eye(3),
    "protan": np.array(
        [[0.152286, 1.052583, -0.204868], [0.114503, 0.786281, 0.099216], [-0.003882, -0.048116, 1.051998]]
    ),
    "deutan": np.array(
        [[0.367322, 0.860646, -0.227968], [0.280085, 0.672501, 0.047413], [-0.011820, 0.042940, 0.968881]]
    ),
    "tritan": np.array(
        [[1.255528, -0.076749, -0.178779], [-0.078411, 0.930809, 0.147602], [0.004733, 0.691367, 0.303900]]
    ),
}


def rgb(colour):
    return np.array(list(bytes.fromhex(colour[1:])))


@pytest.mark.parametrize("vision", COLOUR_VISION)
def test_band_colours_are_told_apart(vision):
    linear = (np.array([rgb(band.colour) for band in BANDS]) / 255) ** 2.2
    seen = rgb2lab(np.clip(linear @ COLOUR_VISION[vision].T, 0, 1) ** (1 / 2.2))
    for i, j in combinations(range(len(BANDS)), 2):
        assert deltaE_ciede2000(seen[i], seen[j]) > 10, (BANDS[i].name, BANDS[j].name)


def test_band_grid_lies_as_the_tokens_do():
    m = torch.tensor([0.0, 0.52, 0.6, 1.0])
    assert band_grid(m, DEFAULT_THRESHOLDS).tolist() == [[0, 1], [2, 4]]


def test_legend_gives_intervals_and_shares():
    rows = legend(np.array([[0, 1], [4, 4]]), DEFAULT_THRESHOLDS)
    assert [row.share for row in rows] == [0.25, 0.25, 0, 0, 0.5]
    assert [row.interval for row in rows] == ["0.00 - 0.50", "0.50 - 0.55", "0.55 - 0.65", "0.65 - 0.95", "0.95 - 1.00"]
    assert [row.band for row in rows] == list(BANDS)


class TestStratifiedHeatmap:
    reference = Image.new("RGB", (600, 400), (200, 100, 50))
    bands = np.array([[0, 1, 2], [3, 4, 0]])

    def test_each_token_is_one_cell(self):
        picture = np.asarray(stratified_heatmap(self.reference, self.bands, opacity=1))
        assert picture.shape == (400, 600, 3)
        for row, column in np.ndindex(2, 3):
            cell = picture[row * 200 : row * 200 + 200, column * 200 : column * 200 + 200]
            assert (cell == rgb(BANDS[self.bands[row, column]].colour)).all()

    def test_opacity_zero_is_the_reference(self):
        picture = np.asarray(stratified_heatmap(self.reference, self.bands, opacity=0))
        assert (picture == (200, 100, 50)).all()

    def test_bands_come_out_stronger_with_opacity(self):
        colour = rgb(BANDS[0].colour)
        distances = [
            np.abs(np.asarray(stratified_heatmap(self.reference, self.bands, opacity))[0, 0] - colour.astype(int)).sum()
            for opacity in (0.25, 0.5, 0.75)
        ]
        assert distances[0] > distances[1] > distances[2]

    def test_small_references_are_enlarged_in_proportion(self):
        assert stratified_heatmap(Image.new("RGB", (32, 64)), self.bands).size == (SMALLEST_SIDE, 2 * SMALLEST_SIDE)

    def test_legend_stands_below(self):
        heatmap = stratified_heatmap(self.reference, self.bands)
        rows = legend(self.bands, DEFAULT_THRESHOLDS)
        picture = with_legend(heatmap, rows)
        assert picture.crop((0, 0, *heatmap.size)).tobytes() == heatmap.tobytes()
        below = np.asarray(picture)[heatmap.height :].reshape(-1, 3)
        for row in rows:
            assert (below == rgb(row.band.colour)).all(axis=1).any()


class TestHistogram:
    m = torch.cat([torch.zeros(10), torch.full((5,), 0.6), torch.ones(1)])

    def test_all_tokens_are_counted(self):
        tokens, _ = relevance_histogram(self.m, DEFAULT_THRESHOLDS).axes
        heights = [bar.get_height() for bar in tokens.patches]
        assert sum(heights) == 16 and heights[0] == 10 and heights[-1] == 1

    def test_threshold_lines_and_weight_curve(self):
        tokens, weights = relevance_histogram(self.m, (0.2, 0.4, 0.6, 0.8), r=3, d=5).axes
        assert [line.get_xdata()[0] for line in tokens.lines] == [0.2, 0.4, 0.6, 0.8]
        x, y = weights.lines[0].get_data()
        # equation (10) at its corners, d = 5 and r = 3
        assert np.interp([0.1, 0.2, 0.4, 0.6, 0.8, 0.9], x, y) == pytest.approx([-15, -15, 0, 2.5, 5, 5], abs=0.05)

    def test_pyplot_is_left_alone(self):
        relevance_histogram(self.m, DEFAULT_THRESHOLDS)
        assert matplotlib.pyplot.get_fignums() == []


class TestChangeMap:
    def test_only_what_changed_differs(self):
        before = Image.new("RGB", (8, 6), "white")
        after = before.copy()
        after.paste("black", (2, 1, 5, 4))
        difference = colour_difference(before, after)
        assert difference.shape == (6, 8)
        assert difference[1:4, 2:5] == pytest.approx(100, abs=0.1)  # CIEDE2000 of black and white
        outside = np.ones_like(difference, dtype=bool)
        outside[1:4, 2:5] = False
        assert (difference[outside] == 0).all()

    def test_other_sizes_are_refused(self):
        with pytest.raises(UserError, match="8 x 6 .* 6 x 8"):
            colour_difference(Image.new("RGB", (8, 6)), Image.new("RGB", (6, 8)))

    def test_picture_is_lighter_where_more_changed(self):
        picture = change_picture(np.array([[0.0, 10.0, 20.0, 40.0, 100.0]]))
        light = np.asarray(picture.convert("L"))[0].astype(int)
        assert picture.size == (5, 1)
        assert (np.diff(light[:4]) > 0).all() and light[3] == light[4]


class TestCommand:
    def run(self, tiny_checkpoint, tmp_path, *more):
        rng = np.random.default_rng(0)
        Image.fromarray(rng.integers(0, 256, (96, 64, 3), dtype=np.uint8)).save(tmp_path / "reference.png")
        parser = ArgumentParser()
        add_arguments(parser)
        out = tmp_path / "heatmap.png"
        written = ["--reference", str(tmp_path / "reference.png"), "--control", "the hair", "--out", str(out)]
        assert run(parser.parse_args([*written, "--checkpoint", str(tiny_checkpoint), "--device", "cpu", *more])) == 0
        return out

    def test_picture_and_json_agree(self, tiny_checkpoint, tmp_path, capsys):
        out = self.run(
            tiny_checkpoint, tmp_path, "--json", "--thresholds", "0.2", "0.4", "0.6", "0.8", "--opacity", "1"
        )
        told = json.loads(capsys.readouterr().out)
        m, bands = np.array(told["relevance"]), np.array(told["band"])
        assert m.min() == 0 and m.max() == 1
        assert (bands == np.digitize(m, [0.2, 0.4, 0.6, 0.8], right=True)).all()
        assert [row["share"] for row in told["bands"]] == [(bands == i).mean() for i in range(5)]
        picture = np.asarray(Image.open(out))[: SMALLEST_SIDE * 96 // 64]
        rows, columns = bands.shape
        for row, column in np.ndindex(bands.shape):
            y = int((row + 0.5) * picture.shape[0] / rows)
            x = int((column + 0.5) * picture.shape[1] / columns)
            assert (picture[y, x] == rgb(BANDS[bands[row, column]].colour)).all()

    def test_text_lists_every_token(self, tiny_checkpoint, tmp_path, capsys):
        self.run(tiny_checkpoint, tmp_path, "--auto")
        lines = capsys.readouterr().out.splitlines()
        grid = [line.split() for line in lines[: len(lines[0].split())]]
        assert all(len(row) == len(grid) and set(row) <= set("01234") for row in grid)
        assert [line.split()[0] for line in lines[len(grid) :][:5]] == list("01234")

    def test_a_cls_model_has_no_regions(self, tiny_cls_checkpoint, tmp_path):
        with pytest.raises(UserError, match="no regions"):
            self.run(tiny_cls_checkpoint, tmp_path)

    @pytest.mark.parametrize(
        ("more", "named"),
        [
            (["--thresholds", "0.5", "0.4", "0.6", "0.8"], r"ts0 = 0\.5"),
            (["--opacity", "2"], "opacity"),
            (["--control", " "], "control text is empty"),
            (["--control", "everything"], "region"),
            (["--out", "/no/such/folder/heatmap.png"], "/no/such/folder"),
            (["--out", "heatmap.jpg"], "written as PNG"),
            (["--out", "{reference}"], "would be overwritten"),
            (["--reference", "."], "is a folder"),
        ],
    )
    def test_bad_input_is_refused(self, more, named, tiny_checkpoint, tmp_path):
        more = [option.format(reference=tmp_path / "reference.png") for option in more]
        with pytest.raises(UserError, match=named):
            self.run(tiny_checkpoint, tmp_path, *more)
