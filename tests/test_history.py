"""The history on disk: each visitor's own, bounded, with undo."""

import os
import time
import zipfile

import pytest
from PIL import Image

from ui.history_store import HistoryLimits, HistoryStore, is_key, new_key


@pytest.fixture
def run(tmp_path):
    """run(*seeds) -> (pictures, seeds, before) as a finished run hands them over."""

    def make(*seeds, side=64):
        before = tmp_path / "before.png"
        Image.new("L", (side, side), 255).save(before)
        pictures = [tmp_path / f"sketch-{seed}.png" for seed in seeds]
        for path in pictures:
            Image.effect_noise((side, side), 60).save(path)
        return pictures, list(seeds), before

    return make


def seeds(entries):
    return [entry.seed for entry in entries]


def test_newest_runs_come_first_and_files_stay_as_they_were(run):
    store, key = HistoryStore(), new_key()
    first = run(1)
    store.add(key, *first)
    entries = store.add(key, *run(2, 3))
    assert seeds(entries) == seeds(store.entries(key)) == [2, 3, 1]
    before, picture = store.files(key, entries[2].id)
    assert picture.read_bytes() == first[0][0].read_bytes()
    assert before.read_bytes() == first[2].read_bytes()
    assert [Image.open(path).format for path in store.thumbnails(key)] == ["JPEG"] * 3


def test_nobody_reaches_the_pictures_of_another(run):
    store, mine, yours = HistoryStore(), new_key(), new_key()
    (entry,) = store.add(mine, *run(1))
    assert store.entries(yours) == []
    assert store.files(yours, entry.id) is None
    assert store.change(yours, entry.id, deleted=True) is None
    assert seeds(store.entries(mine)) == [1]
    for guess in ("", "../../etc", "a" * 42, "a" * 44, None, 3, [mine]):
        assert not is_key(guess)
        with pytest.raises(ValueError):
            store.entries(guess)
    names = [path.name for path in store._root.rglob("*")]
    assert not any(mine in name for name in names)  # who can list folders learns no key


def test_a_deleted_picture_comes_back_until_the_next_run(run):
    store, key = HistoryStore(), new_key()
    first, second = store.add(key, *run(1, 2))
    store.change(key, first.id, deleted=True)
    assert seeds(store.entries(key)) == [2]
    assert store.files(key, first.id) is None
    store.change(key, first.id, deleted=False)
    assert seeds(store.entries(key)) == [1, 2]
    store.change(key, second.id, deleted=True)
    _, picture = store.files(key, first.id)
    store.add(key, *run(3))
    assert store.change(key, second.id, deleted=False) is None
    assert len(list(picture.parent.glob("*-small.jpg"))) == 2  # the files are gone too


def test_the_oldest_make_room_and_pinned_ones_last(run):
    store, key = HistoryStore(HistoryLimits(pictures=3)), new_key()
    (oldest,) = store.add(key, *run(1))
    store.change(key, oldest.id, pinned=True)
    store.add(key, *run(2))
    assert seeds(store.add(key, *run(3, 4))) == [3, 4, 1]
    assert seeds(store.add(key, *run(5, 6, 7, 8))) == [5, 6, 7, 8]  # a run is never cut


def test_bytes_are_bounded_for_a_visitor(run):
    pictures, *_ = run(1)
    store, key = HistoryStore(HistoryLimits(visitor_bytes=int(2.5 * pictures[0].stat().st_size))), new_key()
    for seed in range(5):
        store.add(key, *run(seed))
    assert seeds(store.entries(key)) == [4, 3]


def test_unused_and_surplus_visitors_are_forgotten(run):
    store = HistoryStore(HistoryLimits(unused=3600))
    old, new = new_key(), new_key()
    store.add(old, *run(1))
    (folder,) = store._root.iterdir()
    hours_ago = time.time() - 3 * 3600
    os.utime(folder / "used", (hours_ago, hours_ago))
    store.forget_old_visitors(new)
    assert not folder.exists()

    pictures, *_ = run(1)
    store = HistoryStore(HistoryLimits(total_bytes=int(1.5 * pictures[0].stat().st_size)))
    store.add(old, *run(1))
    store.add(new, *run(2))
    assert seeds(store.entries(new)) == [2]
    assert store.entries(old) == []


def test_the_zip_holds_the_pictures_as_they_were_made(run, tmp_path):
    store, key = HistoryStore(), new_key()
    pictures, *_ = made = run(1, 2)
    store.add(key, *made)
    assert store.write_zip(key, tmp_path / "all.zip") == 2
    with zipfile.ZipFile(tmp_path / "all.zip") as archive:
        assert archive.testzip() is None
        assert {archive.read(name) for name in archive.namelist()} == {path.read_bytes() for path in pictures}
    assert store.write_zip(new_key(), tmp_path / "none.zip") == 0


def test_everything_is_deleted_with_the_program(run):
    store, key = HistoryStore(), new_key()
    store.add(key, *run(1))
    root = store._root
    store.close()
    assert not root.exists()
