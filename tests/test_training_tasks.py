"""The tasks of the stages on tiny real models."""

import dataclasses

import numpy as np
import pytest
import torch
from torch import nn
from torch.nn import functional as F

from colorizer.config import VAEConfig
from colorizer.data import captions
from colorizer.data.triples import TripleOptions, TripleSampler
from colorizer.models.clip import ReferenceEncoder
from colorizer.models.model import ColorizationModel
from colorizer.models.vae import LatentAutoencoder
from colorizer.training.clip import EDIT_LENGTH, agreement, edit_error, part_iou
from colorizer.training.diffusion import TriplePool
from colorizer.training.edited import TokenEditor
from colorizer.training.vae import latent_statistics
from tests.training_fixtures import make_task, plain_accelerate, sampler, small_library  # noqa: F401  (fixtures)


@pytest.fixture(scope="module")
def model(tiny_config):
    torch.manual_seed(0)
    return ColorizationModel(tiny_config).eval().requires_grad_(False)


def test_pool_encodes_truth_reference_and_lines(model, library):
    pool = TriplePool(model, sampler(library), capacity=32, reuse=1.0)
    encoded, triples = pool.encode(3), sampler(library).sample(3)
    torch.testing.assert_close(encoded.z0.float(), model.vae.encode(triples.truth * 2 - 1), atol=5e-3, rtol=1e-2)
    tokens = model.clip.encode_image(triples.reference)[:, 1:]
    torch.testing.assert_close(encoded.tokens.float(), tokens, atol=5e-3, rtol=1e-2)
    darkness = encoded.sketch.float() / 255
    torch.testing.assert_close(darkness, 1 - triples.sketch, atol=1 / 255, rtol=0)


def test_pool_uses_each_triple_as_often_as_asked(model, library):
    pool = TriplePool(model, sampler(library), capacity=64, reuse=2.0)
    drawn = []
    pool.encode = lambda count, encode=pool.encode: drawn.append(count) or encode(count)
    pool.batch(8)
    assert sum(drawn) == 64  # filled
    for _ in range(16):
        batch = pool.batch(8)
    assert sum(drawn) == 64 + 16 * 8 // 2
    assert batch.z0.shape == (8, 4, 8, 8) and batch.tokens.shape == (8, 16, 32) and batch.sketch.shape == (8, 1, 64, 64)


def test_pool_replaces_the_oldest(model, library):
    pool = TriplePool(model, sampler(library), capacity=40, reuse=1.0)  # no multiple of the groups of 16
    for _ in range(9):
        pool.batch(16)
    source = sampler(library)
    fresh = TriplePool(model, source, capacity=400, reuse=1.0)
    groups = -(-40 // 16) + 9 - 1  # the first batch fills the ring
    all_drawn = torch.cat([fresh.encode(16).z0 for _ in range(groups)])
    newest = all_drawn[-40:].flatten(1).tolist()
    assert sorted(newest) == sorted(pool.ring.z0.flatten(1).tolist())


@pytest.mark.parametrize("batches", [0, 1, 7])
def test_pool_goes_on_exactly(model, library, batches):
    pool = TriplePool(model, sampler(library), capacity=40, reuse=2.0)
    for _ in range(batches):
        pool.batch(8)
    again = TriplePool(model, sampler(library, seed=77), capacity=40, reuse=2.0)
    again.load_state_dict(pool.state_dict())
    for _ in range(6):
        for one, other in zip(vars(pool.batch(8)).values(), vars(again.batch(8)).values(), strict=True):
            assert torch.equal(one, other)


def test_latent_statistics_standardise_and_leave_pictures_alone(library):
    torch.manual_seed(0)
    config = VAEConfig(
        patch_size=4, block_out_channels=(32, 32), layers_per_block=1, norm_num_groups=16, scaling_factor=1
    )
    vae = LatentAutoencoder(config).eval().requires_grad_(False)
    pictures = sampler(library).sample_pictures(12)
    shift, scale = latent_statistics(vae, pictures)
    scaled = LatentAutoencoder(dataclasses.replace(config, shift_factor=shift, scaling_factor=scale))
    scaled.load_state_dict(vae.state_dict())
    z = scaled.eval().encode(pictures * 2 - 1)
    assert z.mean().abs() < 1e-4 and (z.std() - 1).abs() < 1e-3
    torch.testing.assert_close(scaled.decode(z), vae.decode(vae.encode(pictures * 2 - 1)), atol=1e-4, rtol=1e-3)


def test_tiny_autoencoder_starts_as_a_box_filter(library):
    torch.manual_seed(0)
    config = VAEConfig(kind="tiny", patch_size=4, latent_channels=8, block_out_channels=(16, 16), layers_per_block=2)
    vae = LatentAutoencoder(config).eval().requires_grad_(False)
    vae.start_as_box_filter()
    pictures = sampler(library).sample_pictures(4)
    restored = vae.decode(vae.encode(pictures * 2 - 1)) / 2 + 0.5
    cells = [nn.functional.avg_pool2d(x, 8) for x in (pictures, restored)]
    assert (cells[0] - cells[1]).abs().mean() < 0.06
    assert np.corrcoef(cells[0].flatten(), cells[1].flatten())[0, 1] > 0.98


def test_crops_of_pictures_are_what_the_autoencoder_sees(tiny_config, library):
    task = make_task("vae", tiny_config, library)
    crops = task.batch(8)
    assert crops.shape == (8, 3, 32, 32) and crops.min() >= -1 and crops.max() <= 1
    windows = (task.pictures * 2 - 1).unfold(2, 32, 1).unfold(3, 32, 1)
    for crop in crops:
        assert (windows == crop[None, :, None, None]).all(-1).all(-1).all(1).any()


def test_agreement_is_least_for_the_true_parts():
    shares = torch.zeros(2, 3, 4, 4)
    shares[:, 0, :2], shares[:, 1, 2], shares[:, 2, 3, :2] = 1, 1, 1  # the last two cells belong to nothing
    right = 50 * (shares.flatten(2).mT - 0.5)
    assert agreement(right, shares) < 1e-3
    wrong = right[..., [1, 2, 0]]
    assert agreement(wrong, shares) > agreement(torch.zeros_like(right), shares) > 0.9
    nowhere = right.clone()
    nowhere[:, -2:] = torch.randn(2, 2, 3)
    torch.testing.assert_close(agreement(nowhere, shares), agreement(right, shares))


def test_part_iou_finds_the_best_threshold():
    share = torch.zeros(2, 16)
    share[0, :4], share[1, 5] = 0.9, 0.3  # a part too small for half of a cell
    assert part_iou(share * 7 - 2, share) == 1
    assert part_iou(-share, share) < 0.3
    assert np.isnan(part_iou(torch.rand(2, 16), torch.zeros(2, 16)))


def test_clip_batches_tie_each_colour_to_its_own_part(tiny_config, library):
    task = make_task("clip", tiny_config, library)
    batch = task.batch(6)
    assert len(batch.part_texts) == len(captions.PARTS)
    assert batch.coloured_target.shape == (6, len(batch.coloured_texts), 4, 4)
    torch.testing.assert_close(batch.coloured_target.sum(1), batch.captioned.parts[:, :-1].sum(1))
    for row, colours in enumerate(batch.captioned.colours):
        for text, share in zip(batch.coloured_texts, batch.coloured_target[row], strict=True):
            if share.any():
                assert any(part in text and colour in text for part, colour in colours.items())


def test_a_part_that_the_layout_leaves_out_has_no_edit_score(tiny_config, library, tmp_path):
    task = make_task("clip", tiny_config, library)
    with torch.no_grad():
        assert any(name.startswith("edit_") for name in task.validate(task.module, tmp_path, 0))
        task.held_out_pairs.captioned.parts.zero_()
        scores = task.validate(task.module, tmp_path, 0)
    assert not any(name.startswith("edit_") for name in scores)


def test_clip_losses_reach_images_and_texts(tiny_config, library):
    task = make_task("clip", tiny_config, library)
    losses = task.module(task.batch(4))
    assert all(value.isfinite() for value in losses.values())
    losses["loss"].backward()
    assert [name for name, weight in task.module.named_parameters() if weight.grad is None] == []


def test_the_edit_error_is_zero_where_tokens_move_along_the_edit():
    torch.manual_seed(0)
    texts = F.normalize(torch.randn(6, 8), dim=-1)  # three anchors, three targets
    a, e = texts.chunk(2)
    share = torch.rand(3, 2, 2)
    before = torch.randn(3, 5, 8)
    weight = torch.cat([torch.ones(3, 1), share.flatten(1)], 1)[..., None]
    after = before + EDIT_LENGTH * weight * (e - a)[:, None]
    assert edit_error(torch.cat([before, after]), texts, share) < 1e-6
    # Nothing moved: all of the way is left inside the part, and by the CLS token.
    assert edit_error(torch.cat([before, before]), texts, torch.ones(3, 2, 2)) == pytest.approx(1.5, abs=1e-3)
    # The rest of the picture must stay.
    elsewhere = before.clone()
    elsewhere[:, 1:] += 1
    assert edit_error(torch.cat([before, elsewhere]), texts, torch.zeros(3, 2, 2)) > 0.5


def test_a_transformer_started_local_attends_to_its_neighbours(tiny_config):
    encoder = ReferenceEncoder(tiny_config.clip)
    encoder.start_local()
    visual, attention = encoder.clip.visual, encoder.clip.visual.transformer.resblocks[0].attn
    x = F.layer_norm(visual.positional_embedding[1:], visual.positional_embedding.shape[1:])
    query, key, _ = (x @ weight.T for weight in attention.in_proj_weight.chunk(3))
    logits = (query @ key.T).detach()
    place = torch.cartesian_prod(torch.arange(encoder.grid), torch.arange(encoder.grid)).float()
    distance = torch.cdist(place, place)
    near, far = logits[distance == 1].mean(), logits[distance >= encoder.grid - 1].mean()
    assert logits.diagonal().mean() > near > far


def test_edited_triples_have_their_tokens_moved_and_the_others_left(tiny_config, library):
    torch.manual_seed(0)
    model = ColorizationModel(tiny_config)
    tokens = torch.randn(3, 1 + model.clip.num_tokens, model.clip.embed_dim)
    changes = [("hair", "pink", "green"), None, ("background", "white", "blue")]
    edited = TokenEditor(model).edit(tokens, changes, np.random.default_rng(0))
    moved = (edited - tokens).abs().amax((1, 2))
    assert moved[1] == 0 and moved[0] > 0 and moved[2] > 0
    assert torch.equal(edited[:, 0], tokens[:, 0])  # an Attention model's CLS token stays


def test_the_truth_of_an_edited_triple_differs_in_one_part(library):
    options = TripleOptions(size=64, clean=1.0, shaded=0, plain=1.0, clipart=0, edited=0.5)
    triples = TripleSampler(library, options, seed=5).sample(24)
    changed = [change for change in triples.changes if change]
    assert 4 < len(changed) < 20 and all(before != after for _, before, after in changed)
    plain = TripleSampler(library, dataclasses.replace(options, edited=0.0), seed=5).sample(24)
    assert plain.changes == []
