"""Small models of the real classes, saved as any checkpoint is."""

import dataclasses

import pytest
import torch

from colorizer.checkpoint import save_checkpoint
from colorizer.config import CLIPConfig, ModelConfig, UNetConfig, VAEConfig
from colorizer.models.model import ColorizationModel
from tests.study_fixtures import database, study, study_folder  # noqa: F401  (fixtures for every test)

TINY = ModelConfig(
    name="tiny",
    unet=UNetConfig(
        block_out_channels=(32, 64),
        layers_per_block=1,
        attention_levels=(True, True),
        head_channels=16,
        context_dim=32,
        norm_num_groups=16,
    ),
    vae=VAEConfig(patch_size=4, block_out_channels=(32, 32), layers_per_block=1, norm_num_groups=16),
    clip=CLIPConfig(
        architecture=None,
        pretrained=None,
        model={
            "embed_dim": 32,
            "vision_cfg": {"image_size": 32, "patch_size": 8, "width": 32, "layers": 2, "head_width": 16},
            "text_cfg": {"context_length": 16, "vocab_size": 49408, "width": 32, "heads": 2, "layers": 2},
        },
    ),
    native_size=64,
    licence="Apache-2.0",
    trained_on="nothing: random weights",
)


@pytest.fixture(scope="session", autouse=True)
def _one_thread():
    # Tiny tensors gain nothing from a second thread, and on a busy machine they wait for it.
    torch.set_num_threads(1)


@pytest.fixture(scope="session")
def tiny_config() -> ModelConfig:
    """An attention model with 16 local tokens; a picture of 64 pixels has a latent of 8."""
    return TINY


@pytest.fixture(scope="session")
def tiny_checkpoint(tmp_path_factory):
    """Path of a random tiny attention model."""
    return _save(TINY, tmp_path_factory.mktemp("tiny") / "tiny.safetensors")


@pytest.fixture(scope="session")
def tiny_cls_checkpoint(tmp_path_factory):
    """Path of a random tiny CLS model."""
    return _save(
        dataclasses.replace(TINY, name="tiny-cls", kind="cls"), tmp_path_factory.mktemp("cls") / "cls.safetensors"
    )


def _save(config, path):
    with torch.random.fork_rng():
        torch.manual_seed(0)
        save_checkpoint(ColorizationModel(config), path)
    return path
