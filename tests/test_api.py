"""The endpoints for programs, called with gradio_client, with curl and as an MCP server."""

import dataclasses
import html
import io
import json
import re
import shutil
import subprocess

import anyio
import httpx
import numpy as np
import pytest
from gradio_client import Client, handle_file
from gradio_client.exceptions import AppError
from PIL import Image, ImageDraw

from colorizer.checkpoint import save_checkpoint
from colorizer.errors import UserError
from colorizer.images import read_picture
from colorizer.lineart import load_sketch
from colorizer.models.model import ColorizationModel
from colorizer.pipeline import Colorizer
from colorizer.png import read_parameters
from colorizer.settings import GenerationSettings
from ui.mcp_server import check_mcp
from ui.model_shelf import ModelShelf
from ui.page import build_page, launch


@pytest.fixture(scope="module")
def folder(tmp_path_factory, tiny_checkpoint, tiny_cls_checkpoint, tiny_config):
    """Three models: the first brings slider defaults of its own."""
    folder = tmp_path_factory.mktemp("checkpoints")
    ranges = {"guidance_scale": [1, 4, 1.5], "steps": [2, 12, 3]}
    save_checkpoint(ColorizationModel(dataclasses.replace(tiny_config, slider_ranges=ranges)), folder / "a.safetensors")
    shutil.copy(tiny_checkpoint, folder / "plain.safetensors")
    shutil.copy(tiny_cls_checkpoint, folder / "whole.safetensors")
    return folder


@pytest.fixture(scope="module")
def url(folder):
    blocks = build_page(ModelShelf(folder, device="cpu"))
    yield launch(blocks, "127.0.0.1", port=None)
    blocks.close()


@pytest.fixture(scope="module")
def client(url):
    return Client(url, verbose=False)


@pytest.fixture(scope="module")
def pictures(tmp_path_factory):
    folder = tmp_path_factory.mktemp("api")
    sketch = Image.new("L", (100, 150), 255)
    ImageDraw.Draw(sketch).ellipse((20, 20, 80, 130), outline=0, width=4)
    sketch.save(folder / "sketch.png")
    rng = np.random.default_rng(0)
    Image.fromarray(rng.integers(0, 256, (80, 80, 3), dtype=np.uint8)).save(folder / "reference.png")
    return folder / "sketch.png", folder / "reference.png"


def colorize(client, sketch, reference=None, **arguments):
    if reference:
        arguments["reference"] = handle_file(reference)
    return client.predict(sketch=handle_file(sketch), **arguments, api_name="/colorize")


def pixels(path):
    with Image.open(path) as picture:
        return np.asarray(picture.convert("RGB"))


def test_colorize_returns_the_png_of_a_direct_run_with_its_parameters(client, folder, pictures):
    arguments = {"gs": 3, "sgs": 1.5, "noise_level": 0.3, "steps": 5, "seed": 11, "size": 96}
    path = colorize(client, *pictures, **arguments, edits="target=green hair; scale=9\n", model="plain.safetensors")
    settings = GenerationSettings.from_dict(
        {
            "guidance_scale": 3,
            "sketch_guidance_scale": 1.5,
            "noise_level": 0.3,
            "steps": 5,
            "seed": 11,
            "size": 96,
            "edits": [{"target": "green hair", "target_scale": 9}],
        }
    )
    parameters = read_parameters(path)
    assert parameters.settings == settings
    colorizer = Colorizer.load(folder / "plain.safetensors", device="cpu")
    assert parameters.model_hash == colorizer.model_hash
    direct = colorizer.colorize(load_sketch(pictures[0]), read_picture(pictures[1]), settings)[0]
    assert (pixels(path) == np.asarray(direct)).all()


def test_several_references_count_by_weight_and_region(client, folder, pictures):
    sketch, reference = pictures
    more = {"reference_weights": [1, 0.5], "reference_regions": [None, "++../..../..../...."]}
    path = client.predict(
        handle_file(sketch),
        reference=handle_file(reference),
        reference_2=handle_file(sketch),
        settings=more,
        steps=4,
        model="plain.safetensors",
        api_name="/colorize",
    )
    settings = read_parameters(path).settings
    assert settings.to_dict().items() >= more.items()
    colorizer = Colorizer.load(folder / "plain.safetensors", device="cpu")
    direct = colorizer.colorize(load_sketch(sketch), [read_picture(reference), read_picture(sketch)], settings)[0]
    assert (pixels(path) == np.asarray(direct)).all()


def test_what_is_left_out_is_the_models_own_default(client, pictures):
    own = read_parameters(colorize(client, *pictures)).settings
    assert (own.guidance_scale, own.steps, own.sketch_guidance_scale) == (1.5, 3, 1.0)
    plain = read_parameters(colorize(client, *pictures, model="plain.safetensors")).settings
    assert (plain.guidance_scale, plain.steps) == (2.0, 20)


def test_the_settings_of_a_picture_make_it_again(client, pictures):
    first = colorize(client, *pictures, seed=3, settings={"sampler": "euler", "schedule": "vp"})
    settings = read_parameters(first).settings.to_dict()
    assert (settings["sampler"], settings["schedule"]) == ("euler", "vp")
    assert (pixels(colorize(client, *pictures, seed=3, settings=settings)) == pixels(first)).all()
    assert (pixels(colorize(client, *pictures, seed=4, settings=settings)) != pixels(first)).any()


def test_works_without_a_reference(client, pictures):
    assert colorize(client, pictures[0]).endswith(".png")


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ({"steps": 100_000}, "steps is 100000; this model takes 2 to 12"),
        ({"gs": 5}, "guidance_scale is 5; this model takes 1 to 4"),
        ({"settings": {"steps": "many"}}, "steps is"),
        ({"size": 1024}, "size is 1024; this model takes 64 to 512"),
        ({"settings": {"steps": 50}}, "steps is 50"),
        ({"settings": {"stepz": 5}}, "Unknown settings: stepz"),
        ({"settings": ["steps"]}, "JSON object"),
        ({"edits": "green hair"}, "not understood"),
        ({"edits": "target=green hair", "reference": None}, "there is none"),
        ({"model": "../secret.safetensors"}, "Choose another"),
        ({"preparation": "sharpen"}, "not in the list of choices"),
        ({"seed": -1}, "-1"),
    ],
)
def test_a_wrong_argument_is_named(client, pictures, arguments, said):
    reference = () if "reference" in arguments else (pictures[1],)
    arguments = {name: value for name, value in arguments.items() if name != "reference"}
    with pytest.raises(AppError, match=said):
        colorize(client, pictures[0], *reference, **arguments)


def test_heatmap_in_a_picture_and_in_numbers(client, pictures):
    path, told = client.predict(
        handle_file(pictures[1]), "the hair", ts0=0.2, ts1=0.4, ts2=0.6, ts3=0.8, api_name="/heatmap"
    )
    assert Image.open(path).size[0] >= 384
    m = np.array(told["relevance"])
    assert (m.min(), m.max()) == (0, 1)
    assert (np.array(told["band"]) == np.digitize(m, [0.2, 0.4, 0.6, 0.8], right=True)).all()
    _, proposed = client.predict(handle_file(pictures[1]), "the hair", auto_thresholds=True, api_name="/heatmap")
    assert proposed["thresholds"] != told["thresholds"]


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ({"control": " "}, "empty"),
        ({"control": "everything"}, "region"),
        ({"ts0": 0.9}, "ts0"),
        ({"opacity": 3}, "opacity"),
        ({"model": "whole.safetensors"}, "no regions"),
    ],
)
def test_heatmap_refuses(client, pictures, arguments, said):
    arguments = {"control": "the hair"} | arguments
    with pytest.raises(AppError, match=said):
        client.predict(reference=handle_file(pictures[1]), **arguments, api_name="/heatmap")


def test_sketch_extraction(client, tmp_path):
    drawing = Image.new("RGB", (120, 90), "black")
    ImageDraw.Draw(drawing).ellipse((20, 20, 90, 70), outline="white", width=3)
    drawing.save(tmp_path / "chalk.png")
    lines = pixels(client.predict(handle_file(tmp_path / "chalk.png"), api_name="/sketch"))
    assert lines.shape[:2] == (90, 120)
    assert np.median(lines) == 255 and lines.min() < 50
    Image.new("RGB", (60, 60), "white").save(tmp_path / "blank.png")
    with pytest.raises(AppError, match="hardly any lines"):
        client.predict(handle_file(tmp_path / "blank.png"), api_name="/sketch")


def test_every_argument_is_described_and_nothing_else_is_public(client, url):
    named = httpx.get(f"{url}gradio_api/info").json()["named_endpoints"]
    assert list(named) == ["/colorize", "/heatmap", "/sketch"]
    for described in named.values():
        assert described["description"]
        assert all(parameter["type"]["description"] for parameter in described["parameters"])
    required = {
        name: [p["parameter_name"] for p in described["parameters"] if not p["parameter_has_default"]]
        for name, described in named.items()
    }
    assert required == {"/colorize": ["sketch"], "/heatmap": ["reference", "control"], "/sketch": ["picture"]}
    meanings = {p["parameter_name"]: p["type"]["description"] for p in named["/colorize"]["parameters"]}
    assert "1 to 4" in meanings["gs"] and "default, 1.5" in meanings["gs"]


def test_openapi_tells_the_same(url):
    schema = httpx.get(f"{url}openapi.json", follow_redirects=True).json()
    calls = {path for path in schema["paths"] if path.startswith("/gradio_api/call/v2/")}
    assert calls == {f"/gradio_api/call/v2/{name}" for name in ("colorize", "heatmap", "sketch")}
    body = schema["paths"]["/gradio_api/call/v2/colorize"]["post"]["requestBody"]["content"]["application/json"]
    assert "Reference guidance" in body["schema"]["properties"]["gs"]["description"]


@pytest.mark.skipif(shutil.which("curl") is None, reason="needs curl")
def test_the_page_of_the_endpoints_works_as_written(url, pictures):
    page = httpx.get(f"{url}docs")
    assert "default-src 'self'" in page.headers["content-security-policy"]
    code = [html.unescape(block) for block in re.findall(r"<pre>(.*?)</pre>", page.text, re.DOTALL)]
    python, curl = code[:2]
    folder = pictures[0].parent
    answer = subprocess.run(["bash", "-c", curl], cwd=folder, capture_output=True, text=True, timeout=120).stdout
    assert "event: complete" in answer
    result = json.loads(answer.rsplit("data: ", 1)[1])[0]
    assert Image.open(io.BytesIO(httpx.get(result["url"]).content)).format == "PNG"
    scope = {"handle_file": lambda name: handle_file(folder / name)}
    exec(python.replace("from gradio_client import Client, handle_file", "from gradio_client import Client"), scope)
    assert read_parameters(scope["result"]).settings.steps == 3


def test_as_an_mcp_server(folder, pictures):
    pytest.importorskip("mcp")
    from mcp import ClientSession
    from mcp.client.streamable_http import streamablehttp_client

    blocks = build_page(ModelShelf(folder, device="cpu"))
    url = launch(blocks, "127.0.0.1", port=None, mcp=True)

    async def talk():
        async with (
            streamablehttp_client(f"{url}gradio_api/mcp/") as (read, write, _),
            ClientSession(read, write) as session,
        ):
            await session.initialize()
            tools = {tool.name: tool for tool in (await session.list_tools()).tools}
            with pictures[0].open("rb") as file:
                uploaded = httpx.post(f"{url}gradio_api/upload", files={"files": file}).json()[0]
            good = await session.call_tool("colorize", {"sketch": f"{url}gradio_api/file={uploaded}", "steps": 2})
            bad = await session.call_tool("colorize", {"sketch": "http://127.0.0.1:1/sketch.png"})
            return tools, good, bad

    try:
        tools, good, bad = anyio.run(talk)
    finally:
        blocks.close()
    assert set(tools) == {"colorize", "heatmap", "sketch"}
    assert tools["colorize"].inputSchema["required"] == ["sketch"]
    assert "reference: The picture to take the colours from" in tools["colorize"].description
    assert "Reference guidance" in tools["colorize"].inputSchema["properties"]["gs"]["description"]
    assert not good.isError and good.content[0].type == "image"
    assert bad.isError and "addresses are not fetched" in bad.content[0].text


def test_an_mcp_server_with_a_password_is_refused():
    pytest.importorskip("mcp")
    check_mcp(None)
    with pytest.raises(UserError, match="--password"):
        check_mcp("secret")


def test_without_its_package_the_mcp_server_says_what_to_install(monkeypatch):
    monkeypatch.setattr("ui.mcp_server.find_spec", lambda name: None)
    with pytest.raises(UserError, match=r"pip install 'gradio\[mcp\]'"):
        check_mcp(None)
