"""Named recipes: everything that decides how a model comes out, in one place."""

import dataclasses
from dataclasses import dataclass, field

from colorizer.config import (
    CLIPConfig,
    ModelConfig,
    NoiseScheduleConfig,
    SketchEncoderConfig,
    UNetConfig,
    VAEConfig,
)
from colorizer.data.library import DEFAULT_SIZE
from colorizer.data.triples import TripleOptions
from colorizer.training.loop import LoopOptions
from colorizer.training.objectives import Strategy

STAGES = ("vae", "decoder", "clip", "unet")
MINI_CLIP = {
    "embed_dim": 224,
    "vision_cfg": {"image_size": 128, "layers": 5, "width": 224, "head_width": 56, "patch_size": 8},
    "text_cfg": {"context_length": 32, "vocab_size": 49408, "width": 128, "heads": 4, "layers": 3},
}
MINI_MODEL = ModelConfig(
    name="mini",
    unet=UNetConfig(
        in_channels=8,
        block_out_channels=(64, 128, 192),
        layers_per_block=1,
        attention_levels=(False, True, True),
        head_channels=32,
        context_dim=224,
    ),
    sketch_encoder=SketchEncoderConfig(patch_size=4, stem_channels=(64, 96)),
    vae=VAEConfig(kind="tiny", patch_size=4, latent_channels=8, block_out_channels=(128, 128), layers_per_block=3),
    clip=CLIPConfig(architecture=None, pretrained=None, model=MINI_CLIP),
    noise=NoiseScheduleConfig(prediction_type="v_prediction", last_timestep=600),
    native_size=256,
    relevance_polarity="high",
    slider_ranges={
        "guidance_scale": [1, 6, 1.5],
        "sketch_guidance_scale": [1, 4, 1],
        "noise_level": [0, 1, 0],
        "even_areas": [0, 1, 0.7],
        "match_colours": [0, 1, 1],
        "target_scale": [0, 10, 5],
    },
    licence="Apache-2.0; trained on CC0, CC BY 4.0 and public-domain drawings, see the model card",
    trained_on=(
        "Recoloured DiceBear characters (adventurer by Lisa Wischofsky, toon-head by Johan Melin, micah by "
        "Micah Lanier, all CC BY 4.0; open-peeps by Pablo Stanley, CC0) and Open Clip Art (public domain)."
    ),
)
LARGER_UNET = dataclasses.replace(MINI_MODEL.unet, block_out_channels=(96, 192, 288), layers_per_block=2)


@dataclass(frozen=True)
class Recipe:
    """How a model is made, in stages: "vae", its "decoder" alone, "clip" and "unet".

    pretrained: the VAE, the CLIP and the start of the denoiser come from a file, and "unet" is the only stage.
    characters: drawings in the library besides clip art, held_out_characters: in the library for validation;
    drawing_size: their side in pixels. capacity, reuse: see `TriplePool`.
    """

    model: ModelConfig
    strategy: Strategy
    vae: LoopOptions
    decoder: LoopOptions
    clip: LoopOptions
    unet: LoopOptions
    characters: int = 2400
    held_out_characters: int = 400
    drawing_size: int = DEFAULT_SIZE
    vae_data: TripleOptions = field(default_factory=lambda: TripleOptions(shaded=0.4, clipart=0.35))
    clip_data: TripleOptions = field(default_factory=lambda: TripleOptions(size=128, shaded=0.3, clipart=0.0))
    unet_data: TripleOptions = field(
        default_factory=lambda: TripleOptions(plain=0.5, clipart=0.15, edited=0.15, bordered=0.5)
    )
    capacity: int = 2048
    reuse: float = 4.0
    pretrained: bool = False

    @property
    def stages(self) -> tuple[str, ...]:
        """The stages that it takes."""
        return ("unet",) if self.pretrained else STAGES


MINI_STRATEGY = Strategy(
    reference="cross",
    drop=0.1,
    noisy=0.1,
    sketch_drop=0.06,
    offset=0.15,
    timestep_shift=2.5,
    start=0.1,
    region_balance=0.5,
)
STRATEGIES = {
    "deform-0": Strategy(reference="deform"),
    "deform-0.75": Strategy(reference="deform", drop=0.75),
    "shuffle-0": Strategy(shuffle=True),
    "shuffle-0.5": Strategy(shuffle=True, drop=0.5),
    "shuffle-0.8": Strategy(shuffle=True, drop=0.8),
    "noisy-0": Strategy(shuffle=True, noisy=1.0),
    "dual-0": Strategy(shuffle=True, dual=4.0),
    "cls-0": Strategy(),
    "cross-0": Strategy(reference="cross"),
}

# Two CPU cores, about ten hours in all.
MINI_CPU = Recipe(
    model=MINI_MODEL,
    strategy=MINI_STRATEGY,
    vae=LoopOptions(steps=6000, seconds=1580, batch=12, lr=1e-3, warmup=50, validate_every=300, save_every=300),
    decoder=LoopOptions(steps=6000, seconds=4200, batch=12, lr=5e-4, warmup=50, validate_every=300, save_every=300),
    clip=LoopOptions(steps=20000, seconds=2100, batch=16, lr=1e-3, warmup=100, weight_decay=0.02, validate_every=150),
    unet=LoopOptions(
        steps=20000, seconds=28200, batch=16, lr=8e-4, warmup=200, ema_decay=0.998, validate_every=250, save_every=100
    ),
    reuse=5.0,
)
# One data-centre GPU: a wider U-Net, larger batches; about half an hour in all.
MINI_GPU = dataclasses.replace(
    MINI_CPU,
    model=dataclasses.replace(MINI_MODEL, unet=LARGER_UNET),
    vae=LoopOptions(steps=20000, seconds=240, batch=64, lr=1e-3, warmup=100, validate_every=1000, save_every=1000),
    decoder=LoopOptions(steps=20000, seconds=60, batch=64, lr=5e-4, warmup=100, validate_every=1000, save_every=1000),
    clip=LoopOptions(steps=10000, seconds=240, batch=256, lr=8e-4, warmup=200, validate_every=500, save_every=500),
    unet=LoopOptions(
        steps=200000,
        seconds=1000,
        batch=128,
        lr=6e-4,
        warmup=500,
        ema_decay=0.9995,
        validate_every=1000,
        save_every=1000,
    ),
    characters=16000,
    capacity=24000,
    reuse=3.0,
)
# The paper's size and optimiser: batches of 10 on each of 4 GPUs, two of them a step; six epochs over 4M triples.
PAPER = Recipe(
    model=ModelConfig(name="paper"),
    strategy=STRATEGIES["noisy-0"],
    vae=LoopOptions(),
    decoder=LoopOptions(),
    clip=LoopOptions(),
    unet=LoopOptions(
        steps=300_000, batch=10, accumulation=2, lr=1e-5, weight_decay=0.1, ema_decay=0.9999, save_every=1000,
        validate_every=5000,
    ),
    unet_data=TripleOptions(size=512),
    characters=16000,
    drawing_size=512,
    reuse=1.0,
    pretrained=True,
)  # fmt: skip


# A CLS model made from a trained mini model: its CLIP and autoencoder, its denoiser as the start.
# No model of this recipe comes with the project.
MINI_CLS = dataclasses.replace(
    MINI_CPU,
    model=dataclasses.replace(
        MINI_MODEL,
        name="mini-cls",
        kind="cls",
        slider_ranges={**MINI_MODEL.slider_ranges, "target_scale": [0, 20, 10]},
    ),
    unet=dataclasses.replace(MINI_CPU.unet, seconds=1200, lr=4e-4, warmup=50),
    pretrained=True,
)


def with_strategy(recipe: Recipe, name: str) -> Recipe:
    """`recipe` with one of `STRATEGIES`, its model named after both."""
    strategy, kind = STRATEGIES[name], "cls" if name.startswith("cls") else "attention"
    return dataclasses.replace(
        recipe,
        strategy=strategy,
        unet_data=dataclasses.replace(recipe.unet_data, reference=strategy.reference, edited=0.0),
        model=dataclasses.replace(recipe.model, name=f"{recipe.model.name}-{name}", kind=kind),
    )


RECIPES = {"mini": MINI_CPU, "mini-gpu": MINI_GPU, "mini-cls": MINI_CLS} | {
    f"{recipe.model.name}-{name}": with_strategy(recipe, name) for recipe in (MINI_CPU, PAPER) for name in STRATEGIES
}
