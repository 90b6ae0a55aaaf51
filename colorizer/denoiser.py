"""The guided prediction of one generation: conditions prepared once, no branch computed in vain."""

import torch
from torch import Tensor

from colorizer.guidance import dual_guidance, is_noised, noisy_tokens
from colorizer.models.attention import ReferenceKeyValues
from colorizer.models.unet import SketchUNet
from colorizer.sampling import Sampler, draw_noise
from colorizer.settings import GenerationSettings

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
    ):
        """features, empty_features: of the sketch and of an empty one (None where SGS is 1), batch 1.

        tokens: the reference tokens that the U-Net sees, (1, n, D) float32, or None for zeros; c and u_r are then the
        same and GS has no effect. generators: one an image, for eps_r.
        """
        self.unet = unet
        self.sampler = sampler
        self.features = features
        self.empty_features = empty_features
        self.tokens = tokens
        self.gs = 1.0 if tokens is None else settings.guidance_scale
        self.sgs = settings.sketch_guidance_scale
        self.noise_level = 0.0 if tokens is None else settings.noise_level
        self.key_values = None if tokens is None else self._project(tokens)
        self.eps_r = None
        if self.noise_level > 0:
            self.eps_r = draw_noise(generators, tokens.shape[1:]).to(tokens.device)

    def predict(self, image: int, index: int, z: Tensor) -> Tensor:
        """The guided prediction for one image of the batch: z (1, C, h, w) float32 at step `index`, and returned so."""
        z_t = z.to(self.features[0].dtype)
        t = torch.tensor([self.sampler.timesteps[index]], device=z.device)
        reference = self._reference(image, index)
        return dual_guidance(
            c=lambda: self.unet(z_t, t, self.features, reference).float(),
            u_r=lambda: self.unet(z_t, t, self.features, None).float(),
            u_s=lambda: self.unet(z_t, t, self.empty_features, reference).float(),
            gs=self.gs,
            sgs=self.sgs,
        )

    def _reference(self, image: int, index: int) -> ReferenceKeyValues | None:
        """Keys and values of the reference: the ones computed once, except at a noised step."""
        t, T = self.sampler.timesteps[index], len(self.sampler.alphas_cumprod)
        if self.eps_r is None or not is_noised(t, self.noise_level, T):
            return self.key_values
        eps_r = self.eps_r[image : image + 1]
        return self._project(noisy_tokens(self.tokens, t, self.noise_level, self.sampler.alphas_cumprod, eps_r, T))

    def _project(self, tokens: Tensor) -> ReferenceKeyValues:
        return self.unet.project_reference(tokens.to(self.features[0].dtype))
