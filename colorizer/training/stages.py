"""The stages of a recipe. Each resumes where it stopped and leaves its part as a .safetensors file."""

import dataclasses
import os
from collections.abc import Callable
from pathlib import Path

import torch
from accelerate import PartialState
from safetensors import SafetensorError, safe_open
from safetensors.torch import load_file, save_file
from torch import nn

from colorizer.checkpoint import load_checkpoint, save_checkpoint
from colorizer.config import NO_PARTS, ModelConfig, PartWords
from colorizer.data.captions import PART_WORDS, known_words
from colorizer.data.clipart import DEFAULT_FOLDER
from colorizer.data.library import Library, build_library
from colorizer.data.picture_sampler import PictureSampler
from colorizer.data.pictures import find_pictures
from colorizer.data.triples import TripleOptions, TripleSampler
from colorizer.errors import UserError
from colorizer.models.clip import ReferenceEncoder
from colorizer.models.model import ColorizationModel
from colorizer.models.vae import LatentAutoencoder
from colorizer.training.clip import CLIPTask
from colorizer.training.diffusion import DiffusionTask
from colorizer.training.loop import train
from colorizer.training.recipes import Recipe
from colorizer.training.stable_diffusion import is_stable_diffusion, start_from_stable_diffusion
from colorizer.training.vae import VAETask, latent_statistics


@dataclasses.dataclass(frozen=True)
class Workshop:
    """Where a recipe is carried out. folder: its results; the library of drawings is kept beside it.

    start: a checkpoint to go on from, instead of making a model from nothing. data: folders and zip archives of
    pictures to train on; without any, on the library of drawings. prediction_type: of a start that does not tell.
    """

    recipe: Recipe
    folder: Path
    device: torch.device
    workers: int
    start: Path | None = None
    data: tuple[Path, ...] = ()
    prediction_type: str | None = None

    def library(self, split: str, clipart: bool = True) -> Library:
        """The drawings of a split, on the device, made on the first call of all and read after that."""
        recipe = self.recipe
        count = recipe.characters if split == "train" else recipe.held_out_characters
        folder = DEFAULT_FOLDER if clipart else None
        cache = self.folder.parent / "library"
        with PartialState().main_process_first():  # the others find what the first one made
            library = build_library(
                count, split, recipe.drawing_size, clipart_folder=folder, cache=cache, workers=self.workers
            )
        return library.to(self.device)

    def samplers(self, options: TripleOptions) -> tuple[TripleSampler | PictureSampler, TripleSampler | PictureSampler]:
        """For training, in every process other data, and for validation; validation has what is held out."""
        if not self.data:
            return self.drawing_samplers(options)
        process = PartialState()
        training, held_out = find_pictures(list(self.data)).split(options)
        share = (process.process_index, process.num_processes)
        return (
            PictureSampler(training, options, 1, self.workers, share, self.device),
            PictureSampler(held_out, options, 2, device=self.device),
        )

    def drawing_samplers(self, options: TripleOptions) -> tuple[TripleSampler, TripleSampler]:
        """Of the library of drawings."""
        clipart = options.clipart > 0
        training = TripleSampler(self.library("train", clipart), options, seed=1 + 1000 * PartialState().process_index)
        return training, TripleSampler(self.library("held-out", clipart), options, seed=2)


def run_stage(stage: str, workshop: Workshop) -> None:
    """Train one stage to the end of its budget, or from where it was stopped."""
    RUNNERS[stage](workshop)
    PartialState().wait_for_everyone()  # the next stage reads what the first process has written


def _train_vae(workshop: Workshop) -> None:
    recipe = workshop.recipe
    torch.manual_seed(0)
    vae = LatentAutoencoder(recipe.model.vae).to(workshop.device)
    if recipe.model.vae.kind == "tiny":
        vae.start_as_box_filter()
    training, held_out = workshop.samplers(recipe.vae_data)
    train(VAETask(vae, training, held_out), recipe.vae, workshop.folder / "vae")
    shift, scale = latent_statistics(vae, training.sample_pictures(128))
    _save(vae, workshop.folder / "vae.safetensors", {"shift_factor": str(shift), "scaling_factor": str(scale)})


def _train_decoder(workshop: Workshop) -> None:
    """The decoder of the VAE goes on alone, which a denoiser that was trained before does not mind."""
    recipe, path = workshop.recipe, _trained(workshop.folder, "vae")
    vae = LatentAutoencoder(recipe.model.vae)
    vae.load_state_dict(load_file(path))
    vae.to(workshop.device)
    with safe_open(path, "pt") as file:
        statistics = file.metadata()
    training, held_out = workshop.samplers(recipe.vae_data)
    train(VAETask(vae, training, held_out, decoder_only=True), recipe.decoder, workshop.folder / "decoder")
    _save(vae, path, statistics)


def _train_clip(workshop: Workshop) -> None:
    recipe = workshop.recipe
    torch.manual_seed(0)
    clip = ReferenceEncoder(recipe.model.clip)
    clip.start_local()
    clip = clip.to(workshop.device)
    # People's own pictures have no captions.
    task = CLIPTask(clip, *workshop.drawing_samplers(recipe.clip_data))
    trained = train(task, recipe.clip, workshop.folder / "clip")
    _save(clip, workshop.folder / "clip.safetensors", {"part_scale": str(float(trained.dense_scale.exp()))})


def _train_unet(workshop: Workshop) -> None:
    recipe = workshop.recipe
    torch.manual_seed(0)
    if workshop.start is None:
        model = build_model(workshop.folder, recipe.model).to(workshop.device)
        model.unet.zero_residual_branches()
    else:
        model = _pretrained(workshop.start, recipe.model, workshop.prediction_type).to(workshop.device)
    training, held_out = workshop.samplers(recipe.unet_data)
    task = DiffusionTask(model, recipe.strategy, training, held_out, recipe.capacity, recipe.reuse)
    train(task, recipe.unet, workshop.folder / "unet")
    if PartialState().is_main_process:
        save_checkpoint(model, workshop.folder / "model.safetensors", dtype=torch.float16)


def build_model(folder: Path, config: ModelConfig) -> ColorizationModel:
    """The whole model with trained VAE and CLIP from `folder` and a fresh denoiser."""
    paths = {part: _trained(folder, part) for part in ("vae", "clip")}
    with safe_open(paths["vae"], "pt") as file:
        statistics = {key: float(value) for key, value in file.metadata().items()}
    with safe_open(paths["clip"], "pt") as file:
        scale = (file.metadata() or {}).get("part_scale")  # not in a CLIP that was not trained on parts
    config = dataclasses.replace(
        config,
        vae=dataclasses.replace(config.vae, **statistics),
        known_words=tuple(known_words()),
        parts=NO_PARTS if scale is None else PartWords(tuple(words[0] for words in PART_WORDS.values()), float(scale)),
    )
    model = ColorizationModel(config)
    for part, path in paths.items():
        getattr(model, part).load_state_dict(load_file(path))
    return model


def _trained(folder: Path, part: str) -> Path:
    path = folder / f"{part}.safetensors"
    if not path.exists():
        raise UserError(f"{path} does not exist; train the {part} stage first")
    return path


def _pretrained(path: Path, config: ModelConfig, prediction_type: str | None) -> ColorizationModel:
    """The model in a checkpoint, ours, a published one or Stable Diffusion, under the name and of the kind of `config`.

    Both kinds have the same layers: with one token, attention to it is a linear layer.
    """
    if is_stable_diffusion(path):
        return start_from_stable_diffusion(path, config, prediction_type)
    model = load_checkpoint(path, prediction_type)
    ranges = config.slider_ranges or model.config.slider_ranges
    model.config = dataclasses.replace(model.config, name=config.name, kind=config.kind, slider_ranges=ranges)
    return model


def _save(module: nn.Module, path: Path, metadata: dict[str, str]) -> None:
    if not PartialState().is_main_process:
        return
    part = path.with_suffix(".part")
    tensors = {key: value.detach().cpu().contiguous() for key, value in module.state_dict().items()}
    try:
        save_file(tensors, part, metadata)
        os.replace(part, path)
    except (OSError, SafetensorError) as error:
        raise UserError(f"{path} cannot be written ({error}); make room on the disk and repeat the command") from error


RUNNERS: dict[str, Callable[[Workshop], None]] = {
    "vae": _train_vae,
    "decoder": _train_decoder,
    "clip": _train_clip,
    "unet": _train_unet,
}
