"""The System Usability Scale (J. Brooke, SUS: a quick and dirty usability scale, 1996): ten statements, one score."""

from collections.abc import Mapping

POINTS = 5
LOW, HIGH = "Strongly disagree", "Strongly agree"

# key -> statement; odd ones are favourable, even ones are not
STATEMENTS = {
    "sus1": "I think that I would like to use this system frequently.",
    "sus2": "I found the system unnecessarily complex.",
    "sus3": "I thought the system was easy to use.",
    "sus4": "I think that I would need the support of a technical person to be able to use this system.",
    "sus5": "I found the various functions in this system were well integrated.",
    "sus6": "I thought there was too much inconsistency in this system.",
    "sus7": "I would imagine that most people would learn to use this system very quickly.",
    "sus8": "I found the system very cumbersome to use.",
    "sus9": "I felt very confident using the system.",
    "sus10": "I needed to learn a lot of things before I could get going with this system.",
}


def sus_score(answers: Mapping[str, int]) -> float | None:
    """From 0 to 100; None unless all ten statements are answered. answers: key -> 1 (disagree) to 5 (agree)."""
    if not STATEMENTS.keys() <= answers.keys():
        return None
    values = [answers[key] for key in STATEMENTS]
    return 2.5 * sum(value - 1 if place % 2 == 0 else POINTS - value for place, value in enumerate(values))
