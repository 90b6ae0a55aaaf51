"""Participants with known effects, who go through a real study."""

import numpy as np

from colorizer.study.session import Finished
from tests.study_fixtures import take_step

EFFECTS = {"quality": 1.0, "similarity": 0.5, "usability": 0.0, "controllability": 0.3}


def simulate(study, count, seed=0, effects=EFFECTS):
    """`count` participants. A condition's place in the protocol times the effect is added to every rating."""
    random = np.random.default_rng(seed)
    places = {condition.name: place for place, condition in enumerate(study.protocol.conditions)}
    points = study.protocol.points
    codes = [study.enrol() for _ in range(count)]
    for code in codes:
        own = random.normal(points / 2, 0.5)

        def rating(step, question, own=own):
            value = own + places[step.condition.name] * effects[question] + random.normal(0, 0.6)
            return int(np.clip(round(value), 1, points))

        while not isinstance(take_step(study, code, rating), Finished):
            pass
    return codes
