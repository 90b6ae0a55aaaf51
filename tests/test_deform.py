"""Moving least squares."""

import math

import pytest
import torch

from colorizer.data.deform import move_points, random_warp, warp

KINDS = ("affine", "similarity", "rigid")


@pytest.fixture
def handles():
    return torch.rand(3, 7, 2, generator=torch.Generator().manual_seed(0), dtype=torch.float64) * 2 - 1


@pytest.fixture
def points():
    return torch.rand(3, 50, 2, generator=torch.Generator().manual_seed(1), dtype=torch.float64) * 2 - 1


@pytest.mark.parametrize("kind", KINDS)
def test_handles_that_stay_move_nothing(kind, handles, points):
    torch.testing.assert_close(move_points(points, handles, handles, kind), points)


@pytest.mark.parametrize("kind", KINDS)
def test_handles_arrive_at_their_targets(kind, handles):
    targets = handles + 0.2 * torch.randn(3, 7, 2, generator=torch.Generator().manual_seed(2), dtype=torch.float64)
    torch.testing.assert_close(move_points(handles, handles, targets, kind), targets, atol=1e-6, rtol=0)


def motion(kind):
    """A matrix of the kind's own family."""
    if kind == "affine":
        return torch.tensor([[1.2, 0.4], [-0.1, 0.7]], dtype=torch.float64)
    turn = torch.tensor([[math.cos(0.4), math.sin(0.4)], [-math.sin(0.4), math.cos(0.4)]], dtype=torch.float64)
    return turn * (1.3 if kind == "similarity" else 1)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("given", KINDS)
def test_a_motion_of_its_own_family_is_reproduced_everywhere(kind, given, handles, points):
    matrix, shift = motion(given), torch.tensor([0.1, -0.3], dtype=torch.float64)
    moved = move_points(points, handles, handles @ matrix + shift, kind)
    reproduced = torch.allclose(moved, points @ matrix + shift, atol=1e-8)
    assert reproduced == (KINDS.index(given) >= KINDS.index(kind))  # rigid motions are similarities are affine


def test_rigid_deformation_keeps_small_lengths(handles, points):
    """|f(v) - q*| = |v - p*|: near a handle that alone decides, distances to it are kept."""
    targets = handles + 0.3 * torch.randn(3, 7, 2, generator=torch.Generator().manual_seed(3), dtype=torch.float64)
    near = handles + 1e-4 * torch.nn.functional.normalize(points[:, :7], dim=-1)
    distance = (move_points(near, handles, targets, "rigid") - targets).norm(dim=-1)
    torch.testing.assert_close(distance, torch.full_like(distance, 1e-4), rtol=0.05, atol=0)


def test_warp_moves_what_is_at_a_handle_to_its_target():
    picture = torch.zeros(1, 1, 64, 64)
    picture[:, :, 14:18, 14:18] = 1  # about (-0.5, -0.5)
    corners = torch.tensor([[-1.0, -1], [1, -1], [-1, 1], [1, 1]])
    handles = torch.cat([torch.tensor([[-0.5, -0.5]]), corners])[None]
    targets = torch.cat([torch.tensor([[0.25, -0.25]]), corners])[None]
    moved = warp(picture, handles, targets)
    y, x = divmod(int(torch.nn.functional.avg_pool2d(moved, 3, 1, 1).argmax()), 64)
    assert abs((x + 0.5) / 32 - 1 - 0.25) < 0.08 and abs((y + 0.5) / 32 - 1 + 0.25) < 0.08
    assert moved[0, 0, 14:18, 14:18].max() < 0.1
    torch.testing.assert_close(warp(picture, handles, handles), picture, atol=1e-5, rtol=0)


def test_random_warps_change_the_layout_and_keep_the_colours():
    pictures = torch.zeros(6, 3, 48, 48)
    pictures[:, 0, :24], pictures[:, 1, 24:] = 1, 1
    first, again = (random_warp(pictures, torch.Generator().manual_seed(5)) for _ in range(2))
    assert torch.equal(first, again)
    changed = (first - pictures).abs().amax(1) > 0.5
    assert (changed.flatten(1).float().mean(1) > 0.01).all() and changed.float().mean() < 0.4
    assert len({float(x.sum()) for x in changed}) > 3  # each picture in its own way
    torch.testing.assert_close(first.sum(1), torch.ones(6, 48, 48))  # no new colours, no holes
