"""The guided prediction of one generation: conditions prepared once, no branch computed in vain."""

import torch
from torch import Tensor

from colorizer.guidance import dual_guidance, guidance_weights, is_noised, noisy_tokens
from colorizer.models.attention import ReferenceKeyValues
from colorizer.models.reference_features import ReferenceFeatures, applied
from colorizer.models.unet import SketchUNet
from colorizer.sampling import Sampler, draw_noise
from colorizer.settings import GenerationSettings
from colorizer.similarity import ReferencePasses

Features = tuple[Tensor, ...]


class GuidedDenoiser:
    """Dual classifier-free guidance (section 3 of the paper) and noisy sampling (equation 14) for a batch's images."""

    def __init__(
        self,
        unet: SketchUNet,
        sampler: Sampler,
        settings: GenerationSettings,
        features: Features,
        empty_features: Features | None,
        tokens: Tensor | None,
        generators: list[torch.Generator],
        passes: ReferencePasses | None = None,
        log_weights: Tensor | None = None,
    ):
        """features, empty_features: of the sketch and of an empty one (None where SGS is 1), batch 1.

        tokens: the reference tokens that the U-Net sees, (1, n, D) float32, or None for zeros; c and u_r are then the
        same and GS has no effect. generators: one an image, for eps_r. passes: of the references themselves, for
        attention injection and AdaIN. log_weights: (n,) of the tokens, None where all weigh alike.
        """
        self.unet = unet
        self.sampler = sampler
        self.settings = settings
        self.features = features
        self.empty_features = empty_features
        self.tokens = tokens
        self.log_weights = log_weights
        self.passes = passes
        self.gs = 1.0 if tokens is None else settings.guidance_scale
        self.sgs = settings.sketch_guidance_scale
        self.noise_level = 0.0 if tokens is None else settings.noise_level
        self.key_values = None if tokens is None else self._project(tokens)
        self.eps_r = None
        if self.noise_level > 0:
            self.eps_r = draw_noise(generators, tokens.shape[1:]).to(tokens.device)
        if passes is not None:
            passes.draw_noise(generators)

    def predict(self, image: int, index: int, z: Tensor) -> Tensor:
        """The guided prediction for one image of the batch: z (1, C, h, w) float32 at step `index`, and returned so."""
        z_t = z.to(self.features[0].dtype)
        t = torch.tensor([self.sampler.timesteps[index]], device=z.device)
        reference = self._reference(image, index)
        drawn = None if self.passes is None else self.passes.run(image, index, t, reference)
        without = 1 - self.settings.style_fidelity
        return dual_guidance(
            c=lambda: self._branch(z_t, t, self.features, reference, drawn),
            u_r=lambda: self._branch(z_t, t, self.features, None, drawn, share=without),
            u_s=lambda: self._branch(z_t, t, self.empty_features, reference, drawn),
            gs=self.gs,
            sgs=self.sgs,
        )

    def calls(self, index: int) -> int:
        """How many times `predict` calls the U-Net at step `index`."""
        own = len(self.passes.references) if self.passes is not None and index in self.passes.active else 0
        return own + sum(weight != 0 for weight in guidance_weights(self.gs, self.sgs))

    def _branch(
        self,
        z_t: Tensor,
        t: Tensor,
        features: Features,
        reference: ReferenceKeyValues | None,
        drawn: ReferenceFeatures | None,
        share: float = 1.0,
    ) -> Tensor:
        """One prediction, drawn to the reference by `share` of the strengths in the settings."""
        with applied(self.unet, drawn, share * self.settings.attention_injection, share * self.settings.adain):
            return self.unet(z_t, t, features, reference).float()

    def _reference(self, image: int, index: int) -> ReferenceKeyValues | None:
        """Keys and values of the reference: the ones computed once, except at a noised step."""
        t, T = self.sampler.timesteps[index], len(self.sampler.alphas_cumprod)
        if self.eps_r is None or not is_noised(t, self.noise_level, T):
            return self.key_values
        eps_r = self.eps_r[image : image + 1]
        return self._project(noisy_tokens(self.tokens, t, self.noise_level, self.sampler.alphas_cumprod, eps_r, T))

    def _project(self, tokens: Tensor) -> ReferenceKeyValues:
        return self.unet.project_reference(tokens.to(self.features[0].dtype), self.log_weights)


def branches(settings: GenerationSettings, references: int) -> int:
    """How many predictions guidance takes for one image and step."""
    gs = settings.guidance_scale if references else 1.0
    return sum(weight != 0 for weight in guidance_weights(gs, settings.sketch_guidance_scale))
