"""The training loop, and the tasks of the three stages on tiny real models."""

import dataclasses
import multiprocessing
import os
import signal
import socket

import numpy as np
import pytest
import torch
from accelerate.state import AcceleratorState
from PIL import Image
from safetensors.torch import load_file
from torch import nn
from torch.nn import functional as F

from colorizer.checkpoint import load_checkpoint
from colorizer.cli import main
from colorizer.config import VAEConfig
from colorizer.data import captions, characters
from colorizer.data.library import pack
from colorizer.data.triples import TripleOptions, TripleSampler
from colorizer.models.clip import ReferenceEncoder
from colorizer.models.model import ColorizationModel
from colorizer.models.vae import LatentAutoencoder
from colorizer.training.clip import EDIT_LENGTH, CLIPTask, agreement, edit_error, part_iou
from colorizer.training.diffusion import DiffusionTask, TriplePool
from colorizer.training.edited import TokenEditor
from colorizer.training.loop import LoopOptions, learning_rate_factor, train
from colorizer.training.objectives import Strategy
from colorizer.training.recipes import MINI_CPU, RECIPES
from colorizer.training.vae import VAETask, latent_statistics

SIZE = 64
PARTS = ("unet", "sketch_encoder", "vae", "clip")
QUICK = LoopOptions(
    steps=6, batch=4, lr=1e-2, warmup=1, mixed_precision="no", save_every=1000, log_every=2, validate_every=1000
)


@pytest.fixture(autouse=True)
def _plain_accelerate(monkeypatch):
    """accelerate keeps precision and device for the whole process; every test has its own."""
    monkeypatch.setenv("ACCELERATE_USE_CPU", "true")
    AcceleratorState._reset_state(reset_partial_state=True)
    yield
    AcceleratorState._reset_state(reset_partial_state=True)


@pytest.fixture(scope="module")
def library():
    styles = ["adventurer"] * 6 + ["micah", "toon-head"]
    specs = (characters.sample_character(np.random.default_rng(i), style=style) for i, style in enumerate(styles))
    return pack([characters.render_character(spec, SIZE) for spec in specs])


def sampler(library, seed=1, **options):
    return TripleSampler(library, TripleOptions(**{"size": SIZE, "clipart": 0.0, **options}), seed)


class Line:
    """A line through points with noise, from both the task's own random numbers and torch's."""

    def __init__(self):
        torch.manual_seed(0)
        self.module = _Regression()
        self.generator = torch.Generator().manual_seed(3)
        self.weights, self.interrupt_at = [], None

    def batch(self, size):
        self.weights.append(self.module.layer.weight.detach().clone())  # as the last step left them
        if len(self.weights) == self.interrupt_at:
            os.kill(os.getpid(), signal.SIGTERM)
        return torch.randn(size, 5, generator=self.generator)

    def validate(self, module, folder, step):
        assert not module.training and not torch.is_grad_enabled()
        return {"weight": float(module.layer.weight.norm())}

    def state_dict(self):
        return {"generator": self.generator.get_state()}

    def load_state_dict(self, state):
        self.generator.set_state(state["generator"])


class _Regression(nn.Module):
    def __init__(self):
        super().__init__()
        self.layer = nn.Linear(5, 1)

    def forward(self, x):
        wanted = x.sum(1, keepdim=True) + 0.1 * torch.randn(len(x), 1)
        return {"loss": (self.layer(x) - wanted).square().mean()}


def weights(module):
    return torch.cat([weight.detach().flatten() for weight in module.parameters()])


def make_task(name, config, library):
    """A task of a stage on a tiny model, always the same."""
    torch.manual_seed(0)
    held_out = sampler(library, 2)
    if name == "line":
        return Line()
    if name == "vae":
        return VAETask(LatentAutoencoder(config.vae), sampler(library), held_out, crop=32)
    if name == "clip":
        return CLIPTask(ReferenceEncoder(config.clip), sampler(library), held_out, count=2)
    model = ColorizationModel(config)
    return DiffusionTask(model, Strategy(shuffle=True, noisy=0.5), sampler(library), held_out, capacity=40, reuse=1.0)


class StopAt:
    """Sends SIGTERM while the task prepares its batch number `count`."""

    def __init__(self, task, count):
        self.draw, self.left = task.batch, count
        task.batch = self

    def __call__(self, size):
        self.left -= 1
        if self.left == 0:
            os.kill(os.getpid(), signal.SIGTERM)
        return self.draw(size)


@pytest.mark.parametrize("name", ["line", "vae", "clip", "unet"])
def test_a_stopped_run_goes_on_exactly(name, tiny_config, library, tmp_path):
    options = dataclasses.replace(QUICK, steps=6)
    whole = weights(train(make_task(name, tiny_config, library), options, tmp_path / "whole"))
    stopped = make_task(name, tiny_config, library)
    StopAt(stopped, 3)
    handler = signal.getsignal(signal.SIGTERM)
    with pytest.raises(KeyboardInterrupt):
        train(stopped, options, tmp_path / "parts")
    assert signal.getsignal(signal.SIGTERM) == handler
    assert not torch.equal(weights(stopped.module), whole)
    torch.manual_seed(99)  # what went on in between must not matter
    again = make_task(name, tiny_config, library)
    drawn = StopAt(again, 1000)
    assert torch.equal(weights(train(again, options, tmp_path / "parts")), whole)
    assert drawn.left == 997  # three steps were left


def test_a_finished_run_is_not_trained_further(tmp_path):
    first = weights(train(Line(), QUICK, tmp_path))
    again = Line()
    assert torch.equal(weights(train(again, QUICK, tmp_path)), first)
    assert again.weights == []


def _train_one_of_two(rank, port, folder, results):
    variables = {"RANK": rank, "LOCAL_RANK": rank, "WORLD_SIZE": 2, "MASTER_ADDR": "127.0.0.1", "MASTER_PORT": port}
    os.environ.update({key: str(value) for key, value in variables.items()} | {"ACCELERATE_USE_CPU": "true"})
    torch.set_num_threads(1)
    whole, stopped, again = tasks = Line(), Line(), Line()
    for task in tasks:
        task.generator.manual_seed(3 + rank)
    train(whole, QUICK, folder / "whole")
    stopped.interrupt_at = 3 if rank == 1 else None  # one process alone gets the signal
    with pytest.raises(KeyboardInterrupt):
        train(stopped, QUICK, folder / "parts")
    train(again, QUICK, folder / "parts")
    steps = [len(task.weights) for task in tasks]
    results.put((rank, steps, weights(whole.module).tolist(), weights(again.module).tolist()))


def test_two_processes_learn_from_both_stop_together_and_go_on_exactly(tmp_path):
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    context = multiprocessing.get_context("spawn")
    results = context.Queue()
    processes = [
        context.Process(target=_train_one_of_two, args=(rank, port, tmp_path, results), daemon=True) for rank in (0, 1)
    ]
    for process in processes:
        process.start()
    (_, steps, whole, parts), (_, *others) = sorted(results.get(timeout=120) for _ in processes)
    for process in processes:
        process.join(60)
    assert others == [steps, whole, parts] and steps == [6, 3, 3]
    assert parts == whole
    alone = weights(train(Line(), QUICK, tmp_path / "alone"))
    assert not np.allclose(alone, whole)  # the data of the other process count as well


def test_a_kill_between_the_two_renames_of_a_save_loses_nothing(tmp_path):
    whole = weights(train(Line(), QUICK, tmp_path / "whole"))
    stopped = Line()
    stopped.interrupt_at = 4
    with pytest.raises(KeyboardInterrupt):
        train(stopped, QUICK, tmp_path / "parts")
    (tmp_path / "parts" / "state").rename(tmp_path / "parts" / "state.old")
    again = Line()
    assert torch.equal(weights(train(again, QUICK, tmp_path / "parts")), whole)
    assert len(again.weights) == 2
    assert not (tmp_path / "parts" / "state.old").exists()


def test_the_weights_returned_are_the_moving_average(tmp_path):
    options = dataclasses.replace(QUICK, steps=8, ema_decay=0.6)
    task = Line()
    returned = train(task, options, tmp_path).layer.weight.detach()
    last = load_file(tmp_path / "state" / "model.safetensors")["layer.weight"]
    average = None
    for count, weight in enumerate([*task.weights[1:], last]):
        decay = min(0.6, 1 - (1 + count) ** -0.8)  # warm-up: the first steps do not weigh on the average for ever
        average = weight if average is None else decay * average + (1 - decay) * weight
    torch.testing.assert_close(returned, average)
    assert not torch.allclose(returned, last, atol=1e-4)


def test_the_loss_goes_down(tmp_path):
    task = Line()
    options = dataclasses.replace(QUICK, steps=150, batch=16, lr=0.1, log_every=10)
    module = train(task, options, tmp_path)
    torch.testing.assert_close(module.layer.weight, torch.ones(1, 5), atol=0.05, rtol=0)
    header, *rows = (tmp_path / "log.csv").read_text().split()
    losses = [float(row.split(",")[2]) for row in rows]
    assert header == "step,seconds,loss" and len(losses) == 15
    assert losses[-1] < 0.02 < 0.5 < losses[0]


def logged(folder):
    """What TensorBoard shows of a run."""
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

    return EventAccumulator(str(folder / "tensorboard")).Reload()


def test_tensorboard_shows_losses_rate_scores_and_samples(tiny_config, library, tmp_path):
    options = dataclasses.replace(QUICK, steps=4, warmup=2, log_every=1, validate_every=2)
    train(make_task("unet", tiny_config, library), options, tmp_path)
    log = logged(tmp_path)
    assert set(log.Tags()["scalars"]) == {"train/loss", "train/main", "train/lr", "validation/psnr"}
    rates = [event.value for event in log.Scalars("train/lr")]
    expected = [options.lr * learning_rate_factor(options, step, 0) for step in range(4)]
    assert rates == pytest.approx(expected, rel=1e-5)
    rows = [row.split(",") for row in (tmp_path / "log.csv").read_text().split()]
    column = rows[0].index("loss")
    losses = [event.value for event in log.Scalars("train/loss")]
    assert losses == pytest.approx([float(row[column]) for row in rows[1:]], abs=1e-4)
    assert [event.step for event in log.Scalars("validation/psnr")] == [2, 4, 4]
    image = log.Images("validation/samples")[-1]
    with Image.open(tmp_path / "samples.png") as grid:
        assert (image.width, image.height) == grid.size and image.width > 12 * SIZE


def test_a_resumed_run_hides_what_was_logged_after_its_state(tmp_path):
    options = dataclasses.replace(QUICK, steps=8, log_every=1, save_every=3)
    killed = Line()
    killed.batch, draw = lambda size: draw(size) if len(killed.weights) < 5 else 1 / 0, killed.batch
    with pytest.raises(ZeroDivisionError):
        train(killed, options, tmp_path)
    train(Line(), options, tmp_path)
    assert [event.step for event in logged(tmp_path).Scalars("train/loss")] == list(range(1, 9))


def test_accumulated_batches_count_as_one(tmp_path):
    class Fixed(Line):
        def __init__(self, parts):
            super().__init__()
            self.parts, self.given = parts, 0
            self.module.forward = lambda x: {"loss": (self.module.layer(x) - x.sum(1, keepdim=True)).square().mean()}
            self.points = torch.randn(24, 5, generator=torch.Generator().manual_seed(0))

        def batch(self, size):
            self.given += 1
            return self.points[(self.given - 1) * size :][:size]

    once = train(Fixed(1), dataclasses.replace(QUICK, steps=3, batch=8), tmp_path / "once")
    twice = train(Fixed(2), dataclasses.replace(QUICK, steps=3, batch=4, accumulation=2), tmp_path / "twice")
    torch.testing.assert_close(weights(once), weights(twice))


@pytest.mark.parametrize("seconds", [0.0, 100.0])
def test_the_learning_rate_warms_up_and_ends_at_zero(seconds):
    options = LoopOptions(steps=1000, seconds=seconds, warmup=10)
    rates = [learning_rate_factor(options, step, 0.0) for step in range(1001)]
    np.testing.assert_allclose(rates[:10], np.arange(1, 11) / 10, atol=1e-3)
    assert max(rates) <= 1 and rates[-1] == pytest.approx(0)
    assert all(a > b for a, b in zip(rates[10:], rates[11:], strict=False))
    late = learning_rate_factor(options, 500, 100.0)
    assert late == pytest.approx(0) if seconds else late == pytest.approx(0.5)


def test_the_time_budget_ends_the_run_and_counts_over_resumed_runs(tmp_path):
    options = dataclasses.replace(QUICK, steps=10**9, seconds=0.5, log_every=10**9)
    task = Line()
    train(task, options, tmp_path)
    assert 0 < len(task.weights) < 10**6
    again = Line()
    train(again, options, tmp_path)
    assert again.weights == []


@pytest.fixture(scope="module")
def model(tiny_config):
    torch.manual_seed(0)
    return ColorizationModel(tiny_config).eval().requires_grad_(False)


def test_pool_encodes_truth_reference_and_lines(model, library):
    pool = TriplePool(model, sampler(library), capacity=32, reuse=1.0)
    encoded, triples = pool.encode(3), sampler(library).sample(3)
    torch.testing.assert_close(encoded.z0.float(), model.vae.encode(triples.truth * 2 - 1), atol=5e-3, rtol=1e-2)
    tokens = model.clip.encode_image(triples.reference)[:, 1:]
    torch.testing.assert_close(encoded.tokens.float(), tokens, atol=5e-3, rtol=1e-2)
    darkness = encoded.sketch.float() / 255
    torch.testing.assert_close(darkness, 1 - triples.sketch, atol=1 / 255, rtol=0)


def test_pool_uses_each_triple_as_often_as_asked(model, library):
    pool = TriplePool(model, sampler(library), capacity=64, reuse=2.0)
    drawn = []
    pool.encode = lambda count, encode=pool.encode: drawn.append(count) or encode(count)
    pool.batch(8)
    assert sum(drawn) == 64  # filled
    for _ in range(16):
        batch = pool.batch(8)
    assert sum(drawn) == 64 + 16 * 8 // 2
    assert batch.z0.shape == (8, 4, 8, 8) and batch.tokens.shape == (8, 16, 32) and batch.sketch.shape == (8, 1, 64, 64)


def test_pool_replaces_the_oldest(model, library):
    pool = TriplePool(model, sampler(library), capacity=40, reuse=1.0)  # no multiple of the groups of 16
    for _ in range(9):
        pool.batch(16)
    source = sampler(library)
    fresh = TriplePool(model, source, capacity=400, reuse=1.0)
    groups = -(-40 // 16) + 9 - 1  # the first batch fills the ring
    all_drawn = torch.cat([fresh.encode(16).z0 for _ in range(groups)])
    newest = all_drawn[-40:].flatten(1).tolist()
    assert sorted(newest) == sorted(pool.ring.z0.flatten(1).tolist())


@pytest.mark.parametrize("batches", [0, 1, 7])
def test_pool_goes_on_exactly(model, library, batches):
    pool = TriplePool(model, sampler(library), capacity=40, reuse=2.0)
    for _ in range(batches):
        pool.batch(8)
    again = TriplePool(model, sampler(library, seed=77), capacity=40, reuse=2.0)
    again.load_state_dict(pool.state_dict())
    for _ in range(6):
        for one, other in zip(vars(pool.batch(8)).values(), vars(again.batch(8)).values(), strict=True):
            assert torch.equal(one, other)


def test_latent_statistics_standardise_and_leave_pictures_alone(library):
    torch.manual_seed(0)
    config = VAEConfig(
        patch_size=4, block_out_channels=(32, 32), layers_per_block=1, norm_num_groups=16, scaling_factor=1
    )
    vae = LatentAutoencoder(config).eval().requires_grad_(False)
    pictures = sampler(library).sample_pictures(12)
    shift, scale = latent_statistics(vae, pictures)
    scaled = LatentAutoencoder(dataclasses.replace(config, shift_factor=shift, scaling_factor=scale))
    scaled.load_state_dict(vae.state_dict())
    z = scaled.eval().encode(pictures * 2 - 1)
    assert z.mean().abs() < 1e-4 and (z.std() - 1).abs() < 1e-3
    torch.testing.assert_close(scaled.decode(z), vae.decode(vae.encode(pictures * 2 - 1)), atol=1e-4, rtol=1e-3)


def test_tiny_autoencoder_starts_as_a_box_filter(library):
    torch.manual_seed(0)
    config = VAEConfig(kind="tiny", patch_size=4, latent_channels=8, block_out_channels=(16, 16), layers_per_block=2)
    vae = LatentAutoencoder(config).eval().requires_grad_(False)
    vae.start_as_box_filter()
    pictures = sampler(library).sample_pictures(4)
    restored = vae.decode(vae.encode(pictures * 2 - 1)) / 2 + 0.5
    cells = [nn.functional.avg_pool2d(x, 8) for x in (pictures, restored)]
    assert (cells[0] - cells[1]).abs().mean() < 0.06
    assert np.corrcoef(cells[0].flatten(), cells[1].flatten())[0, 1] > 0.98


def test_crops_of_pictures_are_what_the_autoencoder_sees(tiny_config, library):
    task = make_task("vae", tiny_config, library)
    crops = task.batch(8)
    assert crops.shape == (8, 3, 32, 32) and crops.min() >= -1 and crops.max() <= 1
    windows = (task.pictures * 2 - 1).unfold(2, 32, 1).unfold(3, 32, 1)
    for crop in crops:
        assert (windows == crop[None, :, None, None]).all(-1).all(-1).all(1).any()


def test_agreement_is_least_for_the_true_parts():
    shares = torch.zeros(2, 3, 4, 4)
    shares[:, 0, :2], shares[:, 1, 2], shares[:, 2, 3, :2] = 1, 1, 1  # the last two cells belong to nothing
    right = 50 * (shares.flatten(2).mT - 0.5)
    assert agreement(right, shares) < 1e-3
    wrong = right[..., [1, 2, 0]]
    assert agreement(wrong, shares) > agreement(torch.zeros_like(right), shares) > 0.9
    nowhere = right.clone()
    nowhere[:, -2:] = torch.randn(2, 2, 3)
    torch.testing.assert_close(agreement(nowhere, shares), agreement(right, shares))


def test_part_iou_finds_the_best_threshold():
    share = torch.zeros(2, 16)
    share[0, :4], share[1, 5] = 0.9, 0.3  # a part too small for half of a cell
    assert part_iou(share * 7 - 2, share) == 1
    assert part_iou(-share, share) < 0.3
    assert np.isnan(part_iou(torch.rand(2, 16), torch.zeros(2, 16)))


def test_clip_batches_tie_each_colour_to_its_own_part(tiny_config, library):
    task = make_task("clip", tiny_config, library)
    batch = task.batch(6)
    assert len(batch.part_texts) == len(captions.PARTS)
    assert batch.coloured_target.shape == (6, len(batch.coloured_texts), 4, 4)
    torch.testing.assert_close(batch.coloured_target.sum(1), batch.captioned.parts[:, :-1].sum(1))
    for row, colours in enumerate(batch.captioned.colours):
        for text, share in zip(batch.coloured_texts, batch.coloured_target[row], strict=True):
            if share.any():
                assert any(part in text and colour in text for part, colour in colours.items())


def test_clip_losses_reach_images_and_texts(tiny_config, library):
    task = make_task("clip", tiny_config, library)
    losses = task.module(task.batch(4))
    assert all(value.isfinite() for value in losses.values())
    losses["loss"].backward()
    assert [name for name, weight in task.module.named_parameters() if weight.grad is None] == []


@pytest.mark.parametrize("name", sorted(RECIPES))
def test_recipes_describe_models_that_can_be_built(name):
    recipe = RECIPES[name]
    with torch.device("meta"):
        model = ColorizationModel(recipe.model)
    assert model.clip.embed_dim == recipe.model.unet.context_dim
    assert model.vae.downscale == 8
    assert recipe.unet_data.reference == recipe.strategy.reference


def test_train_command_makes_a_checkpoint_in_three_stages(tiny_config, tmp_path, monkeypatch, capsys):
    stage = dataclasses.replace(QUICK, steps=3, mixed_precision="bf16", validate_every=2, seconds=0)
    data = TripleOptions(size=SIZE, clipart=0.0)
    recipe = dataclasses.replace(
        MINI_CPU,
        model=dataclasses.replace(tiny_config, vae=dataclasses.replace(tiny_config.vae, scaling_factor=1.0)),
        strategy=Strategy(reference="cross", drop=0.1, noisy=0.2, sketch_drop=0.06),
        vae=stage, clip=stage, unet=stage,
        vae_data=dataclasses.replace(data, size=128), clip_data=data, unet_data=data,
        characters=100, held_out_characters=100, drawing_size=48, capacity=32,
    )  # fmt: skip
    monkeypatch.setitem(RECIPES, "tiny", recipe)
    command = ["train", "tiny", "--out", str(tmp_path / "run"), "--workers", "1"]
    assert main([*command, "--stage", "unet"]) == 2
    assert "train the vae stage first" in capsys.readouterr().err
    assert main(command) == 0
    path = tmp_path / "run" / "model.safetensors"
    model = load_checkpoint(path)
    assert model.config.name == "tiny" and "hair" in model.config.known_words
    assert model.config.vae.scaling_factor != 1
    for part in ("vae", "clip"):
        stored = load_file(tmp_path / "run" / f"{part}.safetensors")
        loaded = getattr(model, part).state_dict()
        assert all(torch.allclose(loaded[key], stored[key], atol=1e-3, rtol=1e-2) for key in stored)
    for name in ("vae", "unet"):
        assert (tmp_path / "run" / name / "samples.png").stat().st_size > 1000
    before = load_file(path)
    assert main([*command, "--stage", "unet"]) == 0  # nothing is left to do
    after = load_file(path)
    assert all(torch.equal(after[key], before[key]) for key in before)


@pytest.mark.parametrize("kind", ["attention", "cls"])
def test_train_command_goes_on_from_a_checkpoint(kind, tiny_checkpoint, tmp_path, monkeypatch, capsys):
    stage = dataclasses.replace(QUICK, steps=1)
    recipe = dataclasses.replace(
        RECIPES["paper-deform-0.75"], unet=stage, characters=100, held_out_characters=100, drawing_size=48, capacity=32,
        unet_data=TripleOptions(size=SIZE, clipart=0.0, reference="deform"),
        model=dataclasses.replace(RECIPES["paper-deform-0.75"].model, kind=kind),
    )  # fmt: skip
    monkeypatch.setitem(RECIPES, "paper-tiny", recipe)
    command = ["train", "paper-tiny", "--out", str(tmp_path / "run"), "--workers", "1"]
    assert main(command) == 2
    assert "--start" in capsys.readouterr().err
    assert main([*command, "--start", str(tiny_checkpoint)]) == 0
    start, trained = load_checkpoint(tiny_checkpoint), load_checkpoint(tmp_path / "run" / "model.safetensors")
    assert trained.config.name == "paper-deform-0.75" and trained.config.unet == start.config.unet
    assert trained.config.kind == kind
    changed = {part: (weights(getattr(start, part)) - weights(getattr(trained, part))).abs().max() for part in PARTS}
    assert changed["unet"] > 1e-3 and changed["sketch_encoder"] > 1e-3
    assert changed["vae"] < 1e-3 and changed["clip"] < 1e-3  # half precision in the file


def test_strategies_of_the_paper_exist_in_both_sizes():
    expected = {
        "deform-0": ("deform", False, 0, 0, 0), "deform-0.75": ("deform", False, 0.75, 0, 0),
        "shuffle-0": ("self", True, 0, 0, 0), "shuffle-0.5": ("self", True, 0.5, 0, 0),
        "shuffle-0.8": ("self", True, 0.8, 0, 0), "noisy-0": ("self", True, 0, 1, 0),
        "dual-0": ("self", True, 0, 0, 4), "cls-0": ("self", False, 0, 0, 0), "cross-0": ("cross", False, 0, 0, 0),
    }  # fmt: skip
    for name, (reference, *rest) in expected.items():
        for size in ("mini", "paper"):
            recipe = RECIPES[f"{size}-{name}"]
            strategy = recipe.strategy
            assert strategy.reference == recipe.unet_data.reference == reference
            assert [strategy.shuffle, strategy.drop, strategy.noisy, strategy.dual] == rest
            assert recipe.model.kind == ("cls" if name == "cls-0" else "attention")
    paper = RECIPES["paper-noisy-0"].unet
    assert (paper.lr, paper.betas, paper.weight_decay, paper.batch, paper.accumulation) == (
        1e-5, (0.9, 0.999), 0.1, 10, 2,
    )  # fmt: skip


def test_train_command_refuses_an_unknown_recipe(capsys):
    assert main(["train", "grande"]) == 2
    assert "mini" in capsys.readouterr().err


def test_the_edit_error_is_zero_where_tokens_move_along_the_edit():
    torch.manual_seed(0)
    texts = F.normalize(torch.randn(6, 8), dim=-1)  # three anchors, three targets
    a, e = texts.chunk(2)
    share = torch.rand(3, 2, 2)
    before = torch.randn(3, 5, 8)
    weight = torch.cat([torch.ones(3, 1), share.flatten(1)], 1)[..., None]
    after = before + EDIT_LENGTH * weight * (e - a)[:, None]
    assert edit_error(torch.cat([before, after]), texts, share) < 1e-6
    # Nothing moved: all of the way is left inside the part, and by the CLS token.
    assert edit_error(torch.cat([before, before]), texts, torch.ones(3, 2, 2)) == pytest.approx(1.5, abs=1e-3)
    # The rest of the picture must stay.
    elsewhere = before.clone()
    elsewhere[:, 1:] += 1
    assert edit_error(torch.cat([before, elsewhere]), texts, torch.zeros(3, 2, 2)) > 0.5


def test_a_transformer_started_local_attends_to_its_neighbours(tiny_config):
    encoder = ReferenceEncoder(tiny_config.clip)
    encoder.start_local()
    visual, attention = encoder.clip.visual, encoder.clip.visual.transformer.resblocks[0].attn
    x = F.layer_norm(visual.positional_embedding[1:], visual.positional_embedding.shape[1:])
    query, key, _ = (x @ weight.T for weight in attention.in_proj_weight.chunk(3))
    logits = (query @ key.T).detach()
    place = torch.cartesian_prod(torch.arange(encoder.grid), torch.arange(encoder.grid)).float()
    distance = torch.cdist(place, place)
    near, far = logits[distance == 1].mean(), logits[distance >= encoder.grid - 1].mean()
    assert logits.diagonal().mean() > near > far


def test_edited_triples_have_their_tokens_moved_and_the_others_left(tiny_config, library):
    torch.manual_seed(0)
    model = ColorizationModel(tiny_config)
    tokens = torch.randn(3, 1 + model.clip.num_tokens, model.clip.embed_dim)
    changes = [("hair", "pink", "green"), None, ("background", "white", "blue")]
    edited = TokenEditor(model).edit(tokens, changes, np.random.default_rng(0))
    moved = (edited - tokens).abs().amax((1, 2))
    assert moved[1] == 0 and moved[0] > 0 and moved[2] > 0
    assert torch.equal(edited[:, 0], tokens[:, 0])  # an Attention model's CLS token stays


def test_the_truth_of_an_edited_triple_differs_in_one_part(library):
    options = TripleOptions(size=64, clean=1.0, shaded=0, plain=1.0, clipart=0, edited=0.5)
    triples = TripleSampler(library, options, seed=5).sample(24)
    changed = [change for change in triples.changes if change]
    assert 4 < len(changed) < 20 and all(before != after for _, before, after in changed)
    plain = TripleSampler(library, dataclasses.replace(options, edited=0.0), seed=5).sample(24)
    assert plain.changes == []
