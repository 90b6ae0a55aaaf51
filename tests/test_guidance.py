"""Guidance and noisy tokens against numbers worked by hand."""

import pytest
import torch

from colorizer.guidance import dual_guidance, guidance_weights, is_noised, noisy_tokens


class Branches:
    """c = 3, u_r = 1, u_s = 2 everywhere, and a record of which were computed."""

    def __init__(self):
        self.called = []

    def _branch(self, name, value):
        def compute():
            self.called.append(name)
            return torch.full((1, 4, 2, 2), value)

        return compute

    def guide(self, gs, sgs):
        branches = [self._branch("c", 3.0), self._branch("u_r", 1.0), self._branch("u_s", 2.0)]
        return dual_guidance(*branches, gs, sgs)


@pytest.mark.parametrize(
    "gs, sgs, expected, called",
    [
        (1, 1, 3.0, ["c"]),
        (5, 1, 11.0, ["c", "u_r"]),  # 1 + 5 * (3 - 1)
        (1, 4, 6.0, ["c", "u_s"]),  # 2 + 4 * (3 - 2)
        (5, 4, 8.5, ["c", "u_r", "u_s"]),  # the mean of 11 and 6
        (0.5, 1, 2.0, ["c", "u_r"]),  # half way from u_r to c
        (0, 1, 1.0, ["u_r"]),
        (1, 0, 2.0, ["u_s"]),
        (0, 2, 2.5, ["c", "u_r", "u_s"]),  # the mean of 1 and 2 + 2 * (3 - 2)
    ],
)
def test_guidance_by_hand(gs, sgs, expected, called):
    branches = Branches()
    guided = branches.guide(gs, sgs)
    torch.testing.assert_close(guided, torch.full((1, 4, 2, 2), expected))
    assert branches.called == called


@pytest.mark.parametrize("gs", [0, 0.3, 1, 2, 15])
@pytest.mark.parametrize("sgs", [0, 0.3, 1, 2, 15])
def test_weights_sum_to_one(gs, sgs):
    assert sum(guidance_weights(gs, sgs)) == pytest.approx(1)


def test_level_0_never_noises_and_level_1_always():
    assert not any(is_noised(t, 0.0, 1000) for t in range(1000))
    assert all(is_noised(t, 1.0, 1000) for t in range(1000))


def test_early_steps_are_noised_first():
    # 1 - 700 / 1000.0001 is just above 0.3
    assert not is_noised(700, 0.3, 1000)
    assert is_noised(701, 0.3, 1000)


def test_noisy_tokens_by_hand():
    alphas_cumprod = torch.tensor([0.81, 0.64, 0.36, 0.04])
    tokens, eps_r = torch.full((1, 2, 3), 10.0), torch.ones(1, 2, 3)
    # t = 2 of 4: 1 - 2/4 = 0.5 < 0.6, and 0.6 * 10 + 0.8 * 1
    noisy = noisy_tokens(tokens, 2, 0.6, alphas_cumprod, eps_r, T=4)
    torch.testing.assert_close(noisy, torch.full((1, 2, 3), 6.8))
    # Half way between t = 2 and 3: alpha^2 = 0.2
    noisy = noisy_tokens(tokens, 2.5, 0.6, alphas_cumprod, eps_r, T=4)
    torch.testing.assert_close(noisy, torch.full((1, 2, 3), 10 * 0.2**0.5 + 0.8**0.5))
    # The last timestep has no neighbour above it.
    noisy = noisy_tokens(tokens, 3, 1.0, alphas_cumprod, eps_r, T=4)
    torch.testing.assert_close(noisy, torch.full((1, 2, 3), 0.2 * 10 + 0.96**0.5))


def test_tokens_of_later_steps_are_unchanged():
    tokens = torch.randn(1, 2, 3)
    assert noisy_tokens(tokens, 1, 0.6, torch.tensor([0.8, 0.6, 0.4, 0.1]), torch.ones(1, 2, 3), T=4) is tokens
