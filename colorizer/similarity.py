"""The references' own passes through the U-Net, whose features draw a picture to them (section 3 of the paper)."""

import math
from dataclasses import dataclass

import numpy as np
import torch
from PIL import Image
from torch import Tensor

from colorizer.lineart import extract_lines
from colorizer.models.attention import ReferenceKeyValues
from colorizer.models.model import ColorizationModel
from colorizer.models.reference_features import LatentRegion, ReferenceFeatures, empty_features, recorded
from colorizer.models.unet import SketchUNet
from colorizer.sampling import Sampler, draw_noise
from colorizer.settings import GenerationSettings

NO_REFERENCE = "Attention injection and AdaIN did nothing, because there is no reference; add one."
NO_STEPS = "Attention injection and AdaIN did nothing, because their steps end before they begin; start them earlier."


@dataclass(frozen=True)
class ReferenceLatent:
    """A reference as the U-Net sees a picture.

    z: (1, C, h, w) float32. features: the sketch encoder's, of the reference's own lines. weight: positive. region: the
    places that count, None for all.
    """

    z: Tensor
    features: tuple[Tensor, ...]
    weight: float = 1.0
    region: LatentRegion | None = None


def encode_latent(
    model: ColorizationModel,
    picture: Image.Image,
    size: int,
    multiple: int,
    weight: float = 1.0,
    cells: Tensor | None = None,
) -> ReferenceLatent:
    """A reference of mode "RGB", its longer side brought to about `size` pixels and both to multiples of `multiple`.

    cells: (rows, columns) bool, the parts of it that count, None for all. It is stretched by at most half a multiple:
    padding would count in the statistics and be attended to.
    """
    scale = size / max(picture.size)
    picture = picture.resize([max(1, round(side * scale / multiple)) * multiple for side in picture.size])
    weights = next(model.sketch_encoder.parameters())
    pixels = torch.from_numpy(np.array(picture)).permute(2, 0, 1)[None].to(weights.device) / 127.5 - 1
    lines = torch.from_numpy(1 - np.array(extract_lines(picture)) / 127.5).to(weights)
    # (H, W) -> (1, 3, H, W), inverted: lines +1 on a ground of -1
    z, features = model.vae.encode(pixels), model.sketch_encoder(lines.expand(1, 3, -1, -1))
    region = None if cells is None else LatentRegion(cells.to(z.device), tuple(z.shape[2:]))
    return ReferenceLatent(z, features, weight, region)


def active_steps(settings: GenerationSettings) -> range:
    """The steps at which the references have passes of their own."""
    first, end = settings.similarity_start * settings.steps, settings.similarity_end * settings.steps
    return range(math.ceil(first), math.ceil(end))


def idle_notes(settings: GenerationSettings, has_reference: bool) -> tuple[str, ...]:
    """Sentences for the user where attention injection and AdaIN are asked for and cannot do anything."""
    if not settings.draws_to_reference:
        return ()
    if not has_reference:
        return (NO_REFERENCE,)
    return () if active_steps(settings) else (NO_STEPS,)


class ReferencePasses:
    """At each active step every reference, noised to t, is run through the U-Net, with its own lines as the sketch.

    Choice: the description does not know a sketch. With the reference's own lines its features are those of a coloured
    drawing, as the model knows them, and lines attend to lines and areas to areas; the empty sketch would be a
    condition that a model trained without it never saw.
    """

    def __init__(
        self, unet: SketchUNet, sampler: Sampler, settings: GenerationSettings, references: list[ReferenceLatent]
    ):
        self.unet, self.sampler, self.references = unet, sampler, references
        self.active = active_steps(settings)
        self._noise: list[Tensor] = []

    def draw_noise(self, generators: list[torch.Generator]) -> None:
        """One noise a reference and image, kept for all steps."""
        self._noise = [draw_noise(generators, r.z.shape[1:]).to(r.z.device) for r in self.references]

    def run(self, image: int, index: int, t: Tensor, key_values: ReferenceKeyValues | None) -> ReferenceFeatures | None:
        """The features for one image of the batch at step `index`; None at a step that is not active."""
        if index not in self.active:
            return None
        alpha = 1 / math.hypot(1, self.sampler.sigmas[index])
        beta = alpha * self.sampler.sigmas[index]
        features = empty_features(self.unet)
        for reference, noise in zip(self.references, self._noise, strict=True):
            z_t = alpha * reference.z + beta * noise[image : image + 1]
            with recorded(self.unet, features, reference.weight, reference.region):
                self.unet(z_t.to(reference.features[0].dtype), t, reference.features, key_values)
        return features
