"""Small areas weigh more in the loss."""

import torch

from colorizer.training.region_weight import LIMITS, region_weight


def picture():
    """White with a red area of 16 x 16, a blue one of 8 x 8 and a line one pixel wide, all on the grid of 8."""
    x = torch.ones(1, 3, 128, 128)
    x[0, :, 16:32, 16:32] = torch.tensor([1.0, 0, 0])[:, None, None]
    x[0, :, 64:72, 64:72] = torch.tensor([0, 0, 1.0])[:, None, None]
    x[0, :, 100, 100:110] = 0
    return x


def test_weight_grows_with_the_root_of_rarity():
    weight = region_weight(picture(), 8, 0.5)
    assert weight.shape == (1, 1, 16, 16)
    torch.testing.assert_close(weight.mean(), torch.tensor(1.0))
    red, blue, white = weight[0, 0, 2, 2], weight[0, 0, 8, 8], weight[0, 0, 0, 0]
    assert red / white > 3 and blue > red
    unlimited = (256 / 64) ** 0.5
    assert blue / red <= unlimited + 1e-4
    assert blue / white <= LIMITS[1] / LIMITS[0] + 1e-4


def test_without_power_every_cell_weighs_the_same():
    assert torch.equal(region_weight(picture(), 8, 0.0), torch.ones(1, 1, 16, 16))


def test_pixels_of_no_area_weigh_what_an_area_of_typical_size_does():
    noise = torch.rand(1, 3, 128, 128, generator=torch.Generator().manual_seed(0))
    torch.testing.assert_close(region_weight(noise, 8, 0.5), torch.ones(1, 1, 16, 16))
