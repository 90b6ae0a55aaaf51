"""The options of one generation."""

import dataclasses
import json
from dataclasses import dataclass
from numbers import Real

from colorizer.errors import UserError
from colorizer.manipulation.edit import MOST_EDITS, Edit
from colorizer.manipulation.regions import RegionMask

SAMPLERS = ("dpm++2m", "unipc", "euler", "ddim")
SCHEDULES = ("karras", "vp")

# name -> smallest and largest value
WHOLE_NUMBERS = {"steps": (2, 200), "size": (64, 4096), "batch_size": (1, 16), "seed": (0, 2**32 - 1)}
NUMBERS = {"guidance_scale": (0, 30), "sketch_guidance_scale": (0, 30), "noise_level": (0, 1)}
SHARES = (
    "attention_injection",
    "adain",
    "style_fidelity",
    "similarity_start",
    "similarity_end",
    "even_areas",
    "match_colours",
)
NUMBERS |= dict.fromkeys(SHARES, (0, 1))
SWITCHES = ("sharp", "keep_lines")
MOST_REFERENCES = 3
LARGEST_WEIGHT = 4.0  # of a reference next to others
# Steps x pictures x pixels of a square of the longer side: 50 steps of 4 pictures of 2048 x 2048 pixels, and some more.
MOST_WORK = 10**9
MAX_EDITS_LENGTH = 48 * 1024  # characters of JSON, so that every picture can carry its edits (see png.py)


@dataclass(frozen=True)
class GenerationSettings:
    """What a picture depends on besides the model, the sketch and the reference. Checked when made (UserError).

    steps: denoising steps, at least 2: one step spans no noise levels.
    guidance_scale, sketch_guidance_scale: GS and SGS of dual classifier-free guidance. 1 is no guidance and costs
        nothing; above 1 exaggerates the reference or the sketch; below 1 weakens it, and 0 is without it.
    noise_level: noisy sampling (equation 14), 0 (never) to 1 (every step).
    attention_injection, adain: how strongly features of the reference's own pass draw the picture to it, 0 (not, and
        costs nothing) to 1: its keys and values in self-attention, and the mean and deviation of its channels.
    style_fidelity: how much less of both the prediction without reference (the negative of GS) gets; 1 is none of it,
        so that GS amplifies them.
    similarity_start, similarity_end: the part of the steps in which both work; 0 is the first step, 1 the end.
    sharp: above the model's native size, draw at that size first and then again, larger by at most 2 each time, from
        partial noise, so that the picture is composed as the model learned it and the lines are those of the sketch.
    reference_weights: how much each of up to three references counts, 0 to 4; missing ones count 1.
    reference_regions: which tokens of each reference count (see `combine_references`), None for all. Attention
        injection and AdaIN take the features of the same places.
    even_areas: how far the areas between the lines are evened out, 0 (not) to 1 (one colour each), see `even_areas`.
    match_colours: how far each area is moved to a near colour of the references, 0 (not) to 1, see `match_colours`.
        What an edit reaches in a reference does not count.
    keep_lines: lay the line art itself over the result, black and crisp, in the size of the upload if that is larger.
    schedule: noise levels, "karras" or "vp" (the model's own).
    sampler: one of SAMPLERS.
    size: longest side of the picture in pixels; None is the model's native size.
    batch_size, seed: image i of the batch depends on seed + i only.
    edits: edits by words, applied to the reference in this order.
    """

    steps: int = 20
    guidance_scale: float = 2.0
    sketch_guidance_scale: float = 1.0
    noise_level: float = 0.0
    attention_injection: float = 0.0
    adain: float = 0.0
    style_fidelity: float = 0.5
    similarity_start: float = 0.0
    similarity_end: float = 1.0
    sharp: bool = False
    reference_weights: tuple[float, ...] = ()
    reference_regions: tuple[RegionMask | None, ...] = ()
    even_areas: float = 0.0
    match_colours: float = 0.0
    keep_lines: bool = False
    schedule: str = "karras"
    sampler: str = "dpm++2m"
    size: int | None = None
    batch_size: int = 1
    seed: int = 0
    edits: tuple[Edit, ...] = ()

    def __post_init__(self):
        for name, bounds in WHOLE_NUMBERS.items():
            if not (name == "size" and self.size is None):
                object.__setattr__(self, name, _number(name, getattr(self, name), bounds, whole=True))
        for name, bounds in NUMBERS.items():
            object.__setattr__(self, name, _number(name, getattr(self, name), bounds, whole=False))
        last = WHOLE_NUMBERS["seed"][1] - self.batch_size + 1
        if self.seed > last:
            raise UserError(f"seed is {self.seed}; for {self.batch_size} images it can be at most {last}.")
        for name in SWITCHES:
            if not isinstance(getattr(self, name), bool):
                raise UserError(f"{name} is {str(getattr(self, name))[:40]!r}; it must be true or false.")
        self._check_work()
        self._check_references()
        _one_of("schedule", self.schedule, SCHEDULES)
        _one_of("sampler", self.sampler, SAMPLERS)
        if not isinstance(self.edits, list | tuple) or not all(isinstance(edit, Edit) for edit in self.edits):
            raise UserError("edits must be a list of edits.")
        if len(self.edits) > MOST_EDITS:
            raise UserError(f"There are {len(self.edits)} edits; at most {MOST_EDITS} are taken.")
        if len(json.dumps([edit.to_dict() for edit in self.edits])) > MAX_EDITS_LENGTH:
            raise UserError("The texts and masks of the edits are too long together; shorten or remove some.")
        object.__setattr__(self, "edits", tuple(self.edits))

    def _check_work(self) -> None:
        """Steps, size and pictures are bounded together, too; the native size of a model is no concern."""
        pixels = (self.size or 0) ** 2
        if self.steps * self.batch_size * pixels > MOST_WORK:
            most = int(MOST_WORK / (pixels * self.batch_size))
            raise UserError(
                f"{self.steps} steps of {self.batch_size} pictures of {self.size} pixels are too much for one run; at "
                f"this size and number at most {most} steps are taken."
            )

    def _check_references(self) -> None:
        for name in ("reference_weights", "reference_regions"):
            values = getattr(self, name)
            if not isinstance(values, list | tuple) or len(values) > MOST_REFERENCES:
                raise UserError(f"{name} must be a list of at most {MOST_REFERENCES}.")
        weights = [_number("reference_weights", w, (0, LARGEST_WEIGHT), whole=False) for w in self.reference_weights]
        if weights and not any(self.weights(len(weights))):
            raise UserError("All references have the weight 0; give one of them more, or remove them.")
        if not all(region is None or isinstance(region, RegionMask) for region in self.reference_regions):
            raise UserError("reference_regions must be painted regions.")
        object.__setattr__(self, "reference_weights", tuple(weights))
        object.__setattr__(self, "reference_regions", tuple(self.reference_regions))

    def weights(self, count: int) -> list[float]:
        """The weight of each of `count` references."""
        return [*self.reference_weights, *[1.0] * count][:count]

    def regions(self, count: int) -> list[RegionMask | None]:
        """The painted region of each of `count` references."""
        return [*self.reference_regions, *[None] * count][:count]

    @property
    def draws_to_reference(self) -> bool:
        """Whether attention injection or AdaIN is on."""
        return self.attention_injection > 0 or self.adain > 0

    @classmethod
    def of_model(cls, slider_ranges: dict[str, tuple[float, float, float]], **given) -> "GenerationSettings":
        """`given`, else the model's own defaults (see `ModelConfig.slider_ranges`), else those of this class."""
        names = {field.name for field in dataclasses.fields(cls)}
        own = {name: default for name, (_, _, default) in slider_ranges.items() if name in names}
        return cls(**own | given)

    def evolve(self, **changes) -> "GenerationSettings":
        """A copy with some values changed."""
        return dataclasses.replace(self, **changes)

    def to_dict(self) -> dict:
        """Plain JSON values, all of them."""
        values = {field.name: getattr(self, field.name) for field in dataclasses.fields(self)}
        return {
            **values,
            "reference_weights": list(self.reference_weights),
            "reference_regions": [region and str(region) for region in self.reference_regions],
            "edits": [edit.to_dict() for edit in self.edits],
        }

    @classmethod
    def from_dict(cls, values: dict) -> "GenerationSettings":
        """The inverse of `to_dict`; missing keys take their defaults, unknown ones are refused (UserError)."""
        if not isinstance(values, dict):
            raise UserError(f"The settings must be a JSON object, not {type(values).__name__}.")
        unknown = sorted(set(values) - {field.name for field in dataclasses.fields(cls)})
        if unknown:
            raise UserError(f"Unknown settings: {', '.join(map(str, unknown))[:200]}; remove them.")
        edits, regions = values.get("edits", ()), values.get("reference_regions", ())
        if not isinstance(edits, list | tuple):
            raise UserError("edits must be a list of edits.")
        if not isinstance(regions, list | tuple):
            raise UserError("reference_regions must be a list.")
        read = {
            "edits": tuple(Edit.from_dict(edit) for edit in edits),
            "reference_regions": tuple(region and RegionMask.parse(region) for region in regions),
        }
        return cls(**{**values, **read})


def _number(name: str, value, bounds: tuple[float, float], whole: bool) -> int | float:
    kind = "a whole number" if whole else "a number"
    low, high = bounds
    is_number = isinstance(value, Real) and not isinstance(value, bool)
    # nan fails the comparisons; whole numbers from a file may be too large for a float
    if not is_number or not low <= value <= high or (whole and value % 1):
        shown = str(value) if is_number else repr(str(value)[:40])
        raise UserError(f"{name} is {shown[:40]}; it must be {kind} from {low} to {high}.")
    return int(value) if whole else float(value)


def _one_of(name: str, value, choices: tuple[str, ...]) -> None:
    if value not in choices:
        raise UserError(f"{name} is {str(value)[:40]!r}; choose one of {', '.join(choices)}.")
