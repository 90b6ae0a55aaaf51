import json

import pytest

from colorizer.errors import UserError
from colorizer.manipulation import Edit, RegionMask
from colorizer.settings import GenerationSettings


@pytest.mark.parametrize(
    "bad, named",
    [
        ({"steps": 1}, "steps is 1"),
        ({"steps": 2.5}, "steps"),
        ({"steps": True}, "steps"),
        ({"guidance_scale": -1}, "guidance_scale is -1"),
        ({"guidance_scale": float("nan")}, "guidance_scale"),
        ({"sketch_guidance_scale": "2"}, "sketch_guidance_scale"),
        ({"noise_level": 1.01}, "noise_level is 1.01"),
        ({"noise_level": 10**400}, "noise_level"),
        ({"size": 10**9}, "size"),
        ({"size": 8192}, "size is 8192"),
        ({"batch_size": 0}, "batch_size"),
        ({"seed": -3}, "seed is -3"),
        ({"seed": float("inf")}, "seed is inf"),
        ({"seed": 2**32 - 2, "batch_size": 3}, "at most 4294967293"),
        ({"adain": 1.5}, "adain is 1.5"),
        ({"similarity_end": -0.1}, "similarity_end"),
        ({"keep_lines": "yes"}, "keep_lines"),
        ({"reference_weights": [1, 1, 1, 1]}, "at most 3"),
        ({"reference_weights": [1, -1]}, "reference_weights is -1"),
        ({"reference_weights": [0, 0]}, "weight 0"),
        ({"reference_regions": ["++"]}, "reference_regions"),
        ({"sampler": "heun"}, "heun"),
        ({"schedule": ["karras"]}, "schedule"),
        ({"edits": ["red hair"]}, "edits"),
        ({"edits": [Edit("x" * 900)] * 33}, "33 edits"),
        ({"edits": [Edit("x" * 900, "y" * 900, "z" * 900)] * 20}, "too long"),
    ],
)
def test_bad_values_are_refused_by_name(bad, named):
    with pytest.raises(UserError, match=named):
        GenerationSettings(**bad)


def test_values_of_sliders_become_the_declared_types():
    settings = GenerationSettings(steps=20.0, guidance_scale=3, edits=[Edit("red hair")])
    assert type(settings.steps) is int and type(settings.guidance_scale) is float and type(settings.edits) is tuple


def test_round_trip_through_json():
    settings = GenerationSettings(
        steps=7,
        size=320,
        seed=2**32 - 1,
        reference_weights=(1, 0.5),
        reference_regions=(None, RegionMask(("+.", "-."))),
        edits=(Edit("green hair", anchor="hair"),),
    )
    assert GenerationSettings.from_dict(json.loads(json.dumps(settings.to_dict()))) == settings


@pytest.mark.parametrize("bad", [{"stepz": 3}, [], None, {"edits": 3}, {"edits": [{"nothing": 1}]}])
def test_bad_dictionaries_are_refused(bad):
    with pytest.raises(UserError):
        GenerationSettings.from_dict(bad)


def test_evolve_checks_again():
    assert GenerationSettings().evolve(seed=4).seed == 4
    with pytest.raises(UserError):
        GenerationSettings().evolve(seed=-4)
