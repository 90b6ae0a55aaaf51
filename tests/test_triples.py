"""Triples: sketch, reference and truth, composed, shaded and degraded."""

import numpy as np
import torch

from colorizer.data import captions, clipart
from colorizer.data.compose import Figure, Layout, compose, part_masks, random_layout, shade, with_borders
from colorizer.data.degrade import degrade
from colorizer.data.layers import NUM_SLOTS, SLOTS
from colorizer.data.library import pack
from colorizer.data.palette import DEFAULTS
from colorizer.data.triples import TripleOptions, TripleSampler
from tests.drawing_fixtures import (  # noqa: F401  (fixtures)
    SIZE,
    head,
    hexadecimal,
    house_drawing,
    library_of_all_styles,
    whole,
)


def test_part_masks_are_the_coverage_and_sum_to_one(library):
    coverage = library.coverage
    masks = part_masks(coverage, whole(len(coverage), SIZE), 12)
    assert masks.shape == (len(coverage), NUM_SLOTS + 2, 12, 12)
    torch.testing.assert_close(masks.sum(1), torch.ones(len(coverage), 12, 12), atol=0.02, rtol=0)
    cells = torch.nn.functional.avg_pool2d(coverage.float() / 255, SIZE // 12)
    torch.testing.assert_close(masks[:, : NUM_SLOTS + 1], cells, atol=1e-4, rtol=0)


def test_part_masks_follow_the_layout(library):
    coverage = library.coverage[:2]
    mirrored = Layout(torch.tensor([[-1.0, 0, 0], [0, 1, 0]]).expand(2, 2, 3), SIZE)
    masks = part_masks(coverage, mirrored, 12)
    torch.testing.assert_close(masks, part_masks(coverage, whole(2, SIZE), 12).flip(-1), atol=1e-4, rtol=0)


def halves(line=0.0):
    """Two figures of 32 px, the left half red and the right half blue, with a line of that darkness between them."""
    colours = torch.zeros(2, 3, 32, 32)
    colours[:, 0, :, :16] = 1
    colours[:, 2, :, 16:] = 1
    lines = torch.zeros(2, 1, 32, 32)
    lines[..., 15:17] = line
    return Figure(colours * (1 - lines), torch.ones(2, 1, 32, 32), lines)


def test_a_border_of_two_colours_gets_a_line_of_ink_in_picture_and_line_art():
    bordered = with_borders(halves(), torch.full((2, 3), 0.2), torch.tensor([True, False]))
    drawn, left = bordered.lines
    assert (drawn[0, :, 15:17] == 1).all() and (drawn[0, :, :14] == 0).all() and (drawn[0, :, 18:] == 0).all()
    assert torch.allclose(bordered.premultiplied[0, :, :, 15:17], torch.tensor(0.2))
    assert (left == 0).all() and torch.equal(bordered.premultiplied[1], halves().premultiplied[1])


def test_a_border_that_has_a_line_gets_no_other():
    figure = halves(line=1.0)
    bordered = with_borders(figure, torch.zeros(2, 3), torch.tensor([True, True]))
    assert torch.equal(bordered.lines, figure.lines)


def test_the_share_of_bordered_drawings_has_more_lines(library):
    plain, bordered = (triples(library, clean=1.0, shaded=0.0, bordered=share).sample(12) for share in (0.0, 1.0))
    assert (1 - bordered.sketch).sum() > (1 - plain.sketch).sum()
    ink = (1 - bordered.sketch)[:, 0] > 0.9
    assert bordered.truth.amax(1)[ink].mean() < 0.5  # what the sketch draws, the truth has


def triples(library, seed=0, batch=12, **options):
    return TripleSampler(library, TripleOptions(**{"size": SIZE, "clipart": 0.0, **options}), seed)


def same(first, second) -> bool:
    return all(np.array_equal(a, b) for a, b in zip(vars(first).values(), vars(second).values(), strict=True))


def test_the_same_seed_gives_the_same_batch(library):
    first, again, other = (triples(library, seed) for seed in (4, 4, 5))
    one = first.sample(6)
    assert same(one, again.sample(6))
    assert not same(one, other.sample(6))
    state = first.state_dict()
    second = first.sample(6)
    assert not same(one, second)
    other.load_state_dict(state)
    assert same(second, other.sample(6))


def test_drawing_is_exact_inside_autocast(library):
    plain, inside = triples(library), triples(library)
    drawn = plain.sample(8)
    with torch.autocast("cpu", torch.bfloat16):
        assert same(drawn, inside.sample(8))
        pictures = inside.sample_pictures(4)
        captioned = inside.sample_captioned(4, 8, 3)
    assert torch.equal(pictures, plain.sample_pictures(4))
    assert torch.equal(captioned.picture, plain.sample_captioned(4, 8, 3).picture)


def test_pictures_are_in_range(library):
    batch = triples(library, shaded=1.0).sample(16)
    for name, channels in (("sketch", 1), ("reference", 3), ("truth", 3), ("figure", 1)):
        pictures = getattr(batch, name)
        assert pictures.shape == (16, channels, SIZE, SIZE)
        assert pictures.min() >= 0 and pictures.max() <= 1 and pictures.isfinite().all()
    assert batch.sketch.mean() > 0.7  # dark lines on white


def test_exact_sketches_are_the_lines_of_the_truth(library):
    batch = triples(library, clean=1.0, plain=1.0, shaded=0.0).sample(8)
    drawn = library.coverage[batch.drawings[:, 0], NUM_SLOTS].float() / 255
    torch.testing.assert_close(1 - batch.sketch[:, 0], drawn, atol=1e-4, rtol=0)


def test_truth_and_reference_share_their_palette(library):
    batch = triples(library, plain=1.0, shaded=0.0).sample(40)

    def colours(picture, drawing):
        masks = zip(SLOTS, library.coverage[drawing, :NUM_SLOTS] > 254, strict=True)
        inside = {slot: picture[:, mask] for slot, mask in masks if mask.sum() > 8}
        assert all(values.std(1).max() < 0.01 for values in inside.values())  # flat, so the drawing is the right one
        return {slot: values.median(1).values for slot, values in inside.items()}

    compared = defaults = 0
    for truth, reference, (first, second) in zip(batch.truth, batch.reference, batch.drawings, strict=True):
        of_truth, of_reference = colours(truth, first), colours(reference, second)
        for slot in of_truth.keys() & of_reference.keys():
            torch.testing.assert_close(of_truth[slot], of_reference[slot], atol=0.01, rtol=0)
            compared += first != second
        for slot in of_truth.keys() & DEFAULTS.keys() - set(library.words[second]["parts"]):
            torch.testing.assert_close(of_truth[slot], torch.tensor(DEFAULTS[slot]), atol=0.01, rtol=0)
            defaults += 1
    assert compared > 40 and defaults > 1


def test_a_reference_of_its_own_is_the_truth(library):
    batch = triples(library, reference="self").sample(4)
    assert torch.equal(batch.reference, batch.truth) and (batch.drawings[:, 0] == batch.drawings[:, 1]).all()


def test_a_deformed_reference_is_the_truth_warped(library):
    deformed, plain = (triples(library, reference=name, shaded=0.0) for name in ("deform", "self"))
    batch = deformed.sample(6)
    assert torch.equal(batch.truth, plain.sample(6).truth)
    assert (batch.drawings[:, 0] == batch.drawings[:, 1]).all()
    assert ((batch.reference - batch.truth).abs().flatten(1).mean(1) > 0.005).all()
    means = [picture.mean((2, 3)) for picture in (batch.reference, batch.truth)]
    torch.testing.assert_close(*means, atol=0.12, rtol=0)


def test_an_object_is_its_own_partner(library, house):
    objects = pack([head("micah"), clipart.load_clipart(house(), SIZE)])
    batch = triples(objects, clipart=1.0, plain=1.0, shaded=0.0).sample(6)
    torch.testing.assert_close(batch.reference, batch.truth)
    assert len({hexadecimal(truth[:, SIZE // 2, SIZE // 2]) for truth in batch.truth}) > 1  # recoloured now and then


def test_the_share_of_clean_sketches_is_heeded(library):
    clean, spoilt = (triples(library, seed=3, clean=share).sample(12).sketch for share in (0.999, 0.0))
    assert ((clean - spoilt).abs().flatten(1).mean(1) > 1e-4).sum() >= 8


def test_degrading_leaves_the_share_asked_for_exact():
    lines = (torch.rand(64, 1, 48, 48, generator=torch.Generator().manual_seed(0)) > 0.9).float()
    for share in (0.0, 0.5, 1.0):
        sketches = degrade(lines, torch.Generator().manual_seed(1), share)
        assert sketches.min() >= 0 and sketches.max() <= 1
        exact = (sketches == 1 - lines).flatten(1).all(1).float().mean()
        assert abs(exact - share) < 0.2 if share == 0.5 else abs(exact - share) < 0.05


def test_shading_only_darkens_and_leaves_lines_alone(library):
    slots = torch.full((len(library), NUM_SLOTS, 3), 0.8)
    flat = compose(library.coverage, slots, torch.zeros(len(library), 3), whole(len(library), SIZE))
    strength = torch.arange(len(library)) % 2
    shaded = shade(flat, strength.float(), torch.Generator().manual_seed(1))
    assert torch.equal(shaded.lines, flat.lines) and torch.equal(shaded.alpha, flat.alpha)
    assert torch.equal(shaded.premultiplied[::2], flat.premultiplied[::2])
    assert (shaded.premultiplied <= flat.premultiplied + 1e-6).all()
    assert (shaded.premultiplied >= 0.74 * flat.premultiplied - 1e-6).all()
    darker = (shaded.premultiplied[1::2] < flat.premultiplied[1::2] - 0.01).flatten(1).any(1)
    assert darker.float().mean() > 0.7  # a shadow may fall on ink alone


def test_plain_drawings_stay_as_drawn():
    layout = random_layout(200, 8, torch.Generator().manual_seed(0), plain=0.35)
    plain = (layout.theta == torch.eye(2, 3)).flatten(1).all(1).float().mean()
    assert 0.25 < plain < 0.45
    area = 1 / torch.linalg.det(layout.theta[:, :, :2]).abs().sqrt()  # zoom
    assert area.min() > 0.94 and area.max() < 1.61


def test_recoloured_pairs_differ_in_the_named_part_alone(library):
    options = TripleOptions(size=64, shaded=0.5, clipart=0)
    pairs = TripleSampler(library, options, seed=4).sample_recoloured(16, 64, 3)
    before, after = pairs.captioned.picture.chunk(2)
    assert {part for part, *_ in pairs.changes} >= {"hair", "skin", "background"}
    for row, (part, old, new) in enumerate(pairs.changes):
        assert old != new
        assert (pairs.captioned.colours[row][part], pairs.captioned.colours[16 + row][part]) == (old, new)
        others = [{k: v for k, v in pairs.captioned.colours[i].items() if k != part} for i in (row, 16 + row)]
        assert others[0] == others[1]
        share = pairs.captioned.parts[row, captions.PARTS.index(part)]
        moved = (after[row] - before[row]).abs().amax(0)
        assert moved[share < 1e-3].max() < 0.02
        assert moved[share > 0.99].mean() > 0.02 or not (share > 0.99).any()
