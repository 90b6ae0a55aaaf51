"""People's own pictures as training data: folders, archives, and whatever else lies in them."""

import dataclasses
import io
import os
import shutil
import zipfile
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image, ImageDraw

from colorizer.checkpoint import load_checkpoint
from colorizer.cli import main
from colorizer.data.files import list_files
from colorizer.data.picture_sampler import PictureSampler
from colorizer.data.pictures import FEW, HELD_OUT, find_pictures
from colorizer.data.triples import TripleOptions
from colorizer.errors import UserError
from colorizer.training.recipes import MINI_CPU, RECIPES
from tests.training_fixtures import QUICK, StopAt, plain_accelerate  # noqa: F401

SIZE = 64
OPTIONS = TripleOptions(size=SIZE, reference="self", clean=1.0)


def painting(seed, size=(96, 80), outline="black"):
    """A coloured disc on a ground."""
    rng = np.random.default_rng(seed)
    ground, disc = (tuple(int(x) for x in rng.integers(60, 256, 3)) for _ in range(2))
    picture = Image.new("RGB", size, ground)
    ImageDraw.Draw(picture).ellipse((15, 15, 70, 70), disc, outline, 3)
    return picture


@pytest.fixture
def folder(tmp_path):
    """Nine pictures in two subfolders."""
    for i in range(9):
        place = tmp_path / "mine" / ("a" if i % 2 else "b/c")
        place.mkdir(parents=True, exist_ok=True)
        painting(i).save(place / f"{i}.png")
    return tmp_path / "mine"


def add_others(folder):
    """What else people have lying there. Returns the names of what cannot be used."""
    Image.new("RGB", (3, 3), "red").save(folder / "speck.png")
    Image.new("RGB", (90, 20), "red").save(folder / "banner.png")
    data = io.BytesIO()
    painting(20).save(data, "JPEG")
    (folder / "torn.jpg").write_bytes(data.getvalue()[:900])
    (folder / "text.png").write_text("no picture")
    (folder / "empty.webp").touch()
    (folder / "notes.txt").write_text("not a picture, and not listed")
    (folder / ".hidden.png").write_text("not listed")
    return {"speck.png", "banner.png", "torn.jpg", "text.png", "empty.webp"}


def add_unusual(folder):
    """Pictures of other kinds, all of which can be used."""
    frames = [painting(30 + i) for i in range(3)]
    frames[0].save(folder / "moving.gif", save_all=True, append_images=frames[1:])
    painting(33).convert("L").save(folder / "grey.png")
    clear = painting(34).convert("RGBA")
    clear.putalpha(120)
    clear.save(folder / "clear.png")
    deep = np.asarray(painting(35).convert("L"), np.uint16) * 257
    Image.fromarray(deep).save(folder / "deep.tiff")
    painting(36).convert("CMYK").save(folder / "print.jpg")
    return 5


def batches(sampler, count, size=4):
    return [sampler.sample(size) for _ in range(count)]


def equal(one, other):
    return all(
        torch.equal(getattr(one, name), getattr(other, name)) for name in ("sketch", "reference", "truth", "figure")
    )


class TestFiles:
    @pytest.mark.parametrize("method", [zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED])
    def test_an_archive_gives_what_a_folder_gives(self, folder, tmp_path, method):
        pack(folder, tmp_path / "mine.zip", method)
        plain, packed = (list_files([path], (".png",)) for path in (folder, tmp_path / "mine.zip"))
        assert len(plain) == len(packed) == 9
        for i in range(9):
            assert plain.name(i) == packed.name(i)
            assert plain.read(i) == packed.read(i) == (folder / plain.name(i)).read_bytes()
        assert packed.label(0) == f"{tmp_path / 'mine.zip'}/{packed.name(0)}"

    def test_names_of_any_language_and_links_in_a_circle(self, folder):
        shutil.copy(folder / "a/1.png", folder / "a/猫の絵.png")
        os.symlink(folder, folder / "a" / "round")
        found = list_files([folder], (".png",))
        assert "a/猫の絵.png" in [found.name(i) for i in range(len(found))] and len(found) == 10

    def test_a_damaged_archive(self, folder, tmp_path):
        path = pack(folder, tmp_path / "mine.zip", zipfile.ZIP_DEFLATED)
        found = list_files([path], (".png",))
        data = bytearray(path.read_bytes())
        start = int(found.place[0, 1])
        data[start + 50 : start + 90] = bytes(40)
        path.write_bytes(data)
        with pytest.raises(UserError, match="damaged"):
            found.read(0)
        path.write_bytes(bytes(data[:300]))
        with pytest.raises(UserError, match="no zip archive"):
            list_files([path], (".png",))


def pack(folder, path, method=zipfile.ZIP_STORED):
    with zipfile.ZipFile(path, "w", method) as archive:
        for file in sorted(folder.rglob("*")):
            archive.write(file, file.relative_to(folder))
    return path


class TestFinding:
    def test_pictures_sketches_and_references_belong_together_by_name(self, folder):
        for part, name in (("sketch", "a/1.webp"), ("reference", "b/c/2.jpg"), ("sketch", "a/nobody.png")):
            (folder / part / name).parent.mkdir(parents=True, exist_ok=True)
            painting(0).save(folder / part / name)
        found = find_pictures([folder])
        assert len(found) == 9
        partners = {found.files.name(int(t)): (s >= 0, r >= 0) for t, s, r in found.items}
        assert partners.pop("a/1.png") == (True, False) and partners.pop("b/c/2.png") == (False, True)
        assert set(partners.values()) == {(False, False)}

    def test_folders_as_those_of_the_benchmark(self, tmp_path):
        for part in ("truth", "sketch", "reference"):
            (tmp_path / part).mkdir()
            painting(1).save(tmp_path / part / "x.png")
        found = find_pictures([tmp_path])
        assert len(found) == 1 and (found.items >= 0).all()

    def test_archives_in_a_folder_and_beside_it(self, folder, tmp_path):
        pack(folder, tmp_path / "shard.zip")
        shutil.copy(tmp_path / "shard.zip", folder / "shard.zip")
        assert len(find_pictures([folder])) == 18
        assert len(find_pictures([folder, tmp_path / "shard.zip"])) == 27

    def test_nothing_to_find(self, tmp_path):
        with pytest.raises(UserError, match="no pictures"):
            find_pictures([tmp_path])
        with pytest.raises(UserError, match="no file or folder"):
            find_pictures([tmp_path / "nowhere"])

    def test_the_share_held_out_does_not_depend_on_the_others(self, tmp_path):
        names = [f"{i}.png" for i in range(1200)]
        for name in names:
            (tmp_path / name).touch()  # hashes of names decide; nothing is read
        training, held_out = find_pictures([tmp_path]).split(OPTIONS)
        assert len(training) + len(held_out) == 1200 and FEW <= len(held_out) <= 2 * HELD_OUT * 1200
        out = {held_out.name(i) for i in range(len(held_out))}
        for i in range(len(training))[::2]:
            Path(training.name(i)).unlink()
        training, held_out = find_pictures([tmp_path]).split(OPTIONS)
        assert {held_out.name(i) for i in range(len(held_out))} == out

    def test_few_pictures_give_a_fifth_of_which_all_can_be_used(self, folder):
        bad = add_others(folder)
        for i in range(40, 60):
            shutil.copy(folder / "text.png", folder / f"{i}.png")
        training, held_out = find_pictures([folder]).split(OPTIONS)
        assert (len(training), len(held_out)) == (34 - 6, 6)
        sampler = PictureSampler(held_out, OPTIONS)
        sampler.sample(12)
        assert sampler.skipped == {} and bad

    def test_one_picture_serves_for_both(self, tmp_path):
        painting(0).save(tmp_path / "one.png")
        training, held_out = find_pictures([tmp_path]).split(OPTIONS)
        assert len(training) == len(held_out) == 1

    def test_no_usable_picture(self, tmp_path):
        add_others(tmp_path)
        with pytest.raises(UserError, match="None of the pictures can be used"):
            find_pictures([tmp_path]).split(OPTIONS)


class TestSampling:
    def test_triples(self, folder):
        triples = PictureSampler(find_pictures([folder]), OPTIONS).sample(9)
        assert triples.truth.shape == triples.reference.shape == (9, 3, SIZE, SIZE)
        assert triples.sketch.shape == triples.figure.shape == (9, 1, SIZE, SIZE)
        assert torch.equal(triples.reference, triples.truth)
        assert sorted(triples.drawings[:, 0]) == list(range(9))  # each once an epoch
        for sketch, truth in zip(triples.sketch, triples.truth, strict=True):
            dark = truth.amax(0) < 0.15  # the outline
            assert sketch[0][dark].mean() < 0.5 < 0.9 < sketch.median()

    def test_sketches_of_ones_own_are_taken_and_cut_like_the_picture(self, folder):
        for path in list(folder.rglob("*.png")):
            place = folder / "sketch" / path.relative_to(folder)
            place.parent.mkdir(parents=True, exist_ok=True)
            shown = np.asarray(Image.open(path)).max(-1) < 60
            drawn = np.where(shown, 0, 255).astype(np.uint8)
            Image.fromarray(255 - drawn).resize((192, 160)).save(place)  # white on black, of another size
        triples = PictureSampler(find_pictures([folder]), dataclasses.replace(OPTIONS, clean=0.0)).sample(9)
        for sketch, truth in zip(triples.sketch, triples.truth, strict=True):
            inside, outside = sketch[0][truth.amax(0) < 0.1], sketch[0][truth.amin(0) > 0.25]
            assert inside.mean() < 0.3 and outside.mean() > 0.95

    def test_references(self, folder):
        (folder / "reference" / "a").mkdir(parents=True)
        Image.new("RGB", (90, 300), (10, 200, 30)).save(folder / "reference/a/1.png")
        pictures = find_pictures([folder])
        deform = PictureSampler(pictures, dataclasses.replace(OPTIONS, reference="deform")).sample(9)
        given = [pictures.name(int(i)).endswith("a/1.png") for i in deform.drawings[:, 0]]
        for is_given, reference, truth in zip(given, deform.reference, deform.truth, strict=True):
            green = torch.tensor([10, 200, 30]).view(3, 1, 1) / 255
            assert torch.allclose(reference, green.expand_as(reference), atol=1e-3) == is_given
            assert not torch.equal(reference, truth)
            if not is_given:  # the same colours elsewhere
                assert (reference.mean((1, 2)) - truth.mean((1, 2))).abs().max() < 0.1
        cross = PictureSampler(pictures, dataclasses.replace(OPTIONS, reference="cross"))
        assert {pictures.name(int(i)) for i in cross.sample(3).drawings[:, 0]} == {f"{folder}/a/1.png"}
        assert len(cross.skipped) == 8 and "reference/" in next(iter(cross.skipped.values()))

    @pytest.mark.parametrize("packed", [False, True])
    @pytest.mark.parametrize("workers", [0, 2])
    def test_what_cannot_be_used_is_listed_once_and_left_out(self, folder, tmp_path, packed, workers, capsys):
        bad, unusual = add_others(folder), add_unusual(folder)
        source = pack(folder, tmp_path / "all.zip") if packed else folder
        pictures = find_pictures([source])
        sampler = PictureSampler(pictures, OPTIONS, workers=workers)
        seen = {int(i) for triples in batches(sampler, 12) for i in triples.drawings[:, 0]}
        assert len(seen) == 9 + unusual
        assert {name.rpartition("/")[2] for name in sampler.skipped} == bad
        lines = capsys.readouterr().err.splitlines()
        assert len(lines) == len(bad) and all(line.startswith("skipped ") for line in lines)
        assert "90 x 20" in "".join(lines) or "longer than" in "".join(lines)

    def test_unusual_pictures_look_as_they_should(self, folder):
        for path in list(folder.rglob("*.png")):
            path.unlink()
        add_unusual(folder)
        pictures = find_pictures([folder])
        triples = PictureSampler(pictures, OPTIONS).sample(5)
        truth = {pictures.name(int(i)).rpartition("/")[2]: t for i, t in zip(triples.drawings[:, 0], triples.truth)}  # noqa: B905
        for name in ("grey.png", "deep.tiff"):
            assert (truth[name].amax(0) - truth[name].amin(0)).max() < 0.01 and truth[name].max() > 0.2
        assert truth["clear.png"].min() > 0.4  # on white
        first = np.asarray(painting(30)).reshape(-1, 3) / 255
        ground = truth["moving.gif"].flatten(1).median(1).values.numpy()
        assert np.abs(first - ground).max(1).min() < 0.1

    def test_nothing_usable(self, tmp_path):
        add_others(tmp_path)
        with pytest.raises(UserError, match="None of the pictures can be used"):
            PictureSampler(find_pictures([tmp_path]), OPTIONS).sample(1)

    @pytest.mark.parametrize("workers", [0, 1, 2])
    def test_the_sequence_does_not_depend_on_workers_and_goes_on_exactly(self, folder, workers):
        add_others(folder)
        pictures = find_pictures([folder])
        options = dataclasses.replace(OPTIONS, reference="deform", clean=0.0)
        expected = batches(PictureSampler(pictures, options, seed=4), 6)
        sampler = PictureSampler(pictures, options, seed=4, workers=workers)
        state = torch.get_rng_state()
        for wanted in expected[:3]:
            assert equal(sampler.sample(4), wanted)
        assert torch.equal(torch.get_rng_state(), state)  # the training's own numbers are left alone
        again = PictureSampler(pictures, options, seed=4, workers=workers)
        again.load_state_dict(sampler.state_dict())
        for wanted in expected[3:]:
            assert equal(again.sample(4), wanted)
        assert not equal(PictureSampler(pictures, options, seed=5).sample(4), expected[0])

    def test_epochs_differ_in_order_and_in_cut(self, folder):
        first, second = batches(PictureSampler(find_pictures([folder]), OPTIONS), 2, size=9)
        assert sorted(first.drawings[:, 0]) == sorted(second.drawings[:, 0])
        assert list(first.drawings[:, 0]) != list(second.drawings[:, 0])
        one, other = (t.truth[list(t.drawings[:, 0]).index(0)] for t in (first, second))
        assert not torch.equal(one, other)

    def test_processes_see_other_pictures_and_all_of_them_together(self, folder):
        pictures = find_pictures([folder])
        shares = [PictureSampler(pictures, OPTIONS, share=(i, 3)).sample(3).drawings[:, 0] for i in range(3)]
        assert sorted(np.concatenate(shares)) == list(range(9))
        with pytest.raises(UserError, match="start fewer"):
            PictureSampler(pictures, OPTIONS, share=(0, 10))


@pytest.fixture
def own_recipe(tiny_config, monkeypatch):
    """A recipe of two steps a stage, called "own"."""
    stage = dataclasses.replace(QUICK, steps=2)
    recipe = dataclasses.replace(
        MINI_CPU,
        model=tiny_config,
        vae=stage, decoder=stage, clip=stage, unet=stage,
        vae_data=dataclasses.replace(OPTIONS, size=128), clip_data=dataclasses.replace(OPTIONS, clipart=0.0),
        unet_data=OPTIONS, characters=100, held_out_characters=100, drawing_size=48, capacity=16,
    )  # fmt: skip
    monkeypatch.setitem(RECIPES, "own", recipe)
    return recipe


class TestTraining:
    def test_command_trains_all_stages_on_a_folder(self, own_recipe, folder, tmp_path, capsys):
        for path in folder.rglob("*.png"):  # large enough for the autoencoder's pictures
            painting(1).resize((160, 130)).save(path)
        bad = add_others(folder)
        out = tmp_path / "run"
        command = ["train", "own", "--out", str(out), "--workers", "1", "--data", str(folder)]
        assert main(command) == 0
        assert load_checkpoint(out / "model.safetensors").config.name == "tiny"
        errors = capsys.readouterr().err
        assert all(f"/{name}: " in errors for name in bad)

    def test_a_stopped_run_goes_on_exactly(self, own_recipe, tiny_checkpoint, folder, tmp_path, monkeypatch):
        from colorizer.training import stages

        def run(out, stop=None):
            def task(*args):
                made = original(*args)
                if stop:
                    StopAt(made, stop)
                return made

            monkeypatch.setattr(stages, "DiffusionTask", task)
            options = ["--workers", "2", "--start", str(tiny_checkpoint), "--steps", "4"]
            return main(["train", "own", "--out", str(tmp_path / out), "--data", str(folder), *options])

        original = stages.DiffusionTask
        assert run("whole") == 0
        assert run("parts", stop=2) == 130
        assert not (tmp_path / "parts" / "model.safetensors").exists()
        assert run("parts") == 0
        whole, parts = (
            load_checkpoint(tmp_path / name / "model.safetensors").state_dict() for name in ("whole", "parts")
        )
        assert all(torch.equal(whole[key], parts[key]) for key in whole)

    def test_mistakes_are_said(self, own_recipe, tmp_path, capsys):
        command = ["train", "own", "--out", str(tmp_path / "run"), "--data"]
        assert main([*command, str(tmp_path / "nowhere")]) == 2
        assert "no file or folder" in capsys.readouterr().err
        (tmp_path / "empty").mkdir()
        assert main([*command, str(tmp_path / "empty")]) == 2
        assert "no pictures" in capsys.readouterr().err
