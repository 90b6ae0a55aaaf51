"""What the server must stand: bad and huge uploads, callers that leave, a full queue. Called over HTTP."""

import contextlib
import http.client
import threading
import time
import uuid

import httpx
import pytest
import safehttpx
from gradio_client import Client, handle_file
from gradio_client.exceptions import AppError
from gradio_client.utils import QueueError
from PIL import Image, ImageDraw

from colorizer.pipeline import Colorizer
from tests.bad_files import bad_files
from tests.browsing import url_of_a_tiny_model, visitors  # noqa: F401  (fixtures)
from tests.chromium import chromium_browser, needs_chromium, sync_api  # noqa: F401  (the fixture `browser`)
from ui.bounded_queue import MAX_WAITING
from ui.page import MAX_REQUEST, MAX_UPLOADS
from ui.texts.ja import TEXTS as JAPANESE

expect = sync_api.expect


@pytest.fixture(scope="module")
def client(url):
    return Client(url, verbose=False)


@pytest.fixture(scope="module")
def sketch(tmp_path_factory):
    path = tmp_path_factory.mktemp("server") / "sketch.png"
    image = Image.new("L", (100, 100), 255)
    ImageDraw.Draw(image).ellipse((20, 20, 80, 80), outline=0, width=4)
    image.save(path)
    return path


def works(client, sketch) -> bool:
    return client.predict(handle_file(sketch), steps=4, api_name="/colorize").endswith(".png")


def upload(url, path) -> str:
    with path.open("rb") as file:
        return httpx.post(f"{url}gradio_api/upload", files={"files": file}).json()[0]


def as_file(path) -> dict:
    return {"path": str(path), "meta": {"_type": "gradio.FileData"}}


def join(url, sketch_path, **arguments) -> str:
    """Ask for a colouring and do not wait for it; returns the event's id."""
    body = {"sketch": as_file(sketch_path)} | arguments
    answer = httpx.post(f"{url}gradio_api/call/v2/colorize", json=body, timeout=60)
    assert answer.status_code == 200, answer.text
    return answer.json()["event_id"]


def waiting(url) -> int:
    return httpx.get(f"{url}gradio_api/queue/status", timeout=60).json()["queue_size"]


def until(condition, seconds=60) -> bool:
    end = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > end:
            return False
        time.sleep(0.05)
    return True


class Gate:
    """Holds generations between their first steps; tells how many began and how many were left before their end."""

    def __init__(self):
        self.open = threading.Event()
        self.begun = self.left = self.finished = 0

    def generate(self, original):
        def gated(colorizer, *arguments):
            self.begun += 1
            finished = False
            try:
                for event in original(colorizer, *arguments):
                    yield event
                    while not self.open.wait(0.05):
                        yield event  # as after another step
                finished = True
            finally:
                self.finished += finished
                self.left += not finished

        return gated


@pytest.fixture
def gate(monkeypatch):
    gate = Gate()
    monkeypatch.setattr(Colorizer, "generate", gate.generate(Colorizer.generate))
    yield gate
    gate.open.set()


@pytest.mark.parametrize("name", bad_files())
@pytest.mark.parametrize("place", ["sketch", "reference"])
def test_a_bad_file_is_explained_and_the_next_request_works(client, sketch, tmp_path, name, place):
    data, said = bad_files()[name]
    (tmp_path / name).write_bytes(data)
    files = {"sketch": handle_file(sketch), place: handle_file(tmp_path / name)}
    with pytest.raises(AppError, match=f"^{place}: .*{said}"):
        client.predict(**files, steps=4, api_name="/colorize")
    assert works(client, sketch)


@pytest.mark.parametrize("path", ["/etc/hostname", "../../etc/hostname", "{checkpoint}", "{upload}/../../a.png", ""])
def test_only_uploads_are_opened(url, client, sketch, tiny_checkpoint, path):
    uploaded = upload(url, sketch)
    path = path.format(checkpoint=tiny_checkpoint, upload=uploaded)
    event = join(url, path)
    answer = httpx.get(f"{url}gradio_api/call/colorize/{event}", timeout=60).text
    assert "event: error" in answer and "event: complete" not in answer
    assert works(client, sketch)


def test_addresses_are_not_fetched_but_an_upload_may_be_named_by_its_own(url, client, sketch):
    for address in ("http://127.0.0.1:1/a.png", "https://example.com/a.png", f"{url}gradio_api/file=/etc/hostname"):
        with pytest.raises(AppError, match="addresses are not fetched"):
            client.predict(handle_file(address), api_name="/colorize")
    own = f"{url}gradio_api/file={upload(url, sketch)}"
    event = join(url, own, steps=4)
    assert "event: complete" in httpx.get(f"{url}gradio_api/call/colorize/{event}", timeout=60).text


@pytest.fixture
def fetched(monkeypatch):
    """The host of every address that the server was about to fetch."""
    asked = []

    async def validate(host, *_arguments, **_options):
        asked.append(host)
        raise ValueError("no network in tests")

    monkeypatch.setattr(safehttpx, "async_validate_url", validate)
    return asked


def test_an_address_anywhere_in_a_body_is_not_fetched(url, client, sketch, fetched):
    hidden = {"deep": [as_file("http://pictures.example/a.png")]}
    for body in ({"sketch": as_file(upload(url, sketch)), "settings": hidden}, {"sketch": hidden}):
        answer = httpx.post(f"{url}gradio_api/call/v2/colorize", json=body, timeout=60)
        said = httpx.get(f"{url}gradio_api/call/colorize/{answer.json()['event_id']}", timeout=60).text
        assert "event: error" in said and "event: complete" not in said
    assert works(client, sketch)
    assert fetched == []


@pytest.mark.parametrize("method", ["GET", "HEAD"])
@pytest.mark.parametrize("address", ["http://pictures.example/a.png", "https%3A%2F%2Fpictures.example/a.png"])
def test_the_route_for_files_is_no_proxy(url, fetched, method, address):
    for route in ("gradio_api/file=", "gradio_api/proxy="):
        assert httpx.request(method, f"{url}{route}{address}", timeout=60).status_code in (400, 403, 404, 405)
    assert fetched == []


def test_uploads_are_bounded(url, client, sketch):
    files = {"files": ("big.png", bytes(21 * 2**20))}
    assert httpx.post(f"{url}gradio_api/upload", files=files, timeout=60).status_code == 413
    for path, most in (("queue/join", MAX_REQUEST), ("upload", MAX_UPLOADS)):
        status, said = announce(url, path, most + 1)
        assert status == 413
        assert f"{most >> 20} MB" in said
    chunks = (b" " * 2**20 for _ in range((MAX_REQUEST >> 20) + 2))  # whose length is not announced
    with contextlib.suppress(httpx.TransportError):  # the server hangs up on it, or says why
        assert httpx.post(f"{url}gradio_api/queue/join", content=chunks, timeout=60).status_code in (400, 413)
    assert works(client, sketch)


def announce(url, path, length) -> tuple[int, str]:
    """The answer to a request that says it will send `length` bytes."""
    address = httpx.URL(url)
    connection = http.client.HTTPConnection(address.host, address.port, timeout=60)
    connection.putrequest("POST", f"/gradio_api/{path}")
    connection.putheader("Content-Length", str(length))
    connection.endheaders()
    answer = connection.getresponse()
    return answer.status, answer.read().decode()


def test_nothing_passes_by_the_queue(url):
    answer = httpx.post(f"{url}gradio_api/run/colorize", json={"data": [None] * 12})
    assert answer.status_code == 404


def test_monitoring_and_analytics_are_off(url):
    for path in ("monitoring", "monitoring/", "monitoring/summary", "monitoring/guess"):
        assert httpx.get(f"{url}{path}", follow_redirects=True).status_code == 403
    config = httpx.get(f"{url}config").json()
    assert config["analytics_enabled"] is False
    assert "run_history" not in config or not config["run_history"]


def test_a_caller_who_leaves_ends_the_run(url, client, sketch, gate):
    session = uuid.uuid4().hex
    body = {"data": [as_file(upload(url, sketch)), *[None] * 13], "session_hash": session, "fn_index": _colorize(url)}
    body["data"][6:9] = [0, None, "auto"]
    assert httpx.post(f"{url}gradio_api/queue/join", json=body).status_code == 200
    with httpx.stream("GET", f"{url}gradio_api/queue/data", params={"session_hash": session}, timeout=60) as answer:
        assert any("process_generating" in line for line in answer.iter_lines())
        assert (gate.begun, gate.left) == (1, 0)
    assert until(lambda: gate.left == 1)
    gate.open.set()
    assert works(client, sketch)


def _colorize(url) -> int:
    """The number of the endpoint, as the page's own script names it."""
    dependencies = httpx.get(f"{url}config").json()["dependencies"]
    return next(dependency["id"] for dependency in dependencies if dependency["api_name"] == "colorize")


def test_a_caller_who_leaves_the_queue_gives_the_place_back(url, client, sketch, gate):
    path = upload(url, sketch)
    first = join(url, path)
    assert until(lambda: gate.begun == 1)
    second = join(url, path)
    assert waiting(url) == 1
    with httpx.stream("GET", f"{url}gradio_api/call/colorize/{second}", timeout=60):
        pass
    assert until(lambda: waiting(url) == 0)
    gate.open.set()
    assert "event: complete" in httpx.get(f"{url}gradio_api/call/colorize/{first}", timeout=60).text
    assert gate.begun == 1
    assert works(client, sketch)


def test_a_cancelled_call_ends_the_run(client, sketch, gate):
    job = client.submit(handle_file(sketch), api_name="/colorize")
    assert until(lambda: gate.begun == 1)
    job.cancel()
    assert until(lambda: gate.left == 1)
    gate.open.set()
    assert works(client, sketch)


@pytest.fixture
def full_queue(url, sketch, gate):
    """One run under way and as many waiting as may; all end when the test does."""
    path = upload(url, sketch)
    events = [join(url, path, steps=4)]
    assert until(lambda: gate.begun == 1)
    events += [join(url, path, steps=4) for _ in range(MAX_WAITING)]
    assert waiting(url) == MAX_WAITING
    yield
    gate.open.set()
    for event in events:
        assert "event: complete" in httpx.get(f"{url}gradio_api/call/colorize/{event}", timeout=120).text


def test_a_full_queue_turns_programs_away(url, client, sketch, full_queue):
    with pytest.raises(QueueError, match="full"):
        works(client, sketch)
    answer = httpx.post(f"{url}gradio_api/call/v2/colorize", json={"sketch": as_file(upload(url, sketch))})
    assert answer.status_code == 503


@needs_chromium
def test_a_full_queue_is_said_on_the_page_and_nothing_is_lost(visit, url, sketch, gate):
    page = visit()
    page.set_input_files("#sketch input[type=file]", sketch)
    page.locator("#prepared img").wait_for()
    events = [join(url, upload(url, sketch), steps=4)]
    assert until(lambda: gate.begun == 1)
    events += [join(url, upload(url, sketch), steps=4) for _ in range(MAX_WAITING)]
    page.click("#colorize")
    page.locator(".toast-body", has_text="busy").wait_for()
    expect(page.locator("#colorize")).to_be_enabled()
    expect(page.locator("#sketch img")).to_have_count(1)

    # what needs no run works all the same
    other = visit(locale="ja-JP")
    other.set_input_files("#sketch input[type=file]", sketch)
    other.locator("#prepared img").wait_for()
    other.set_input_files("#reference input[type=file]", sketch)
    other.locator(".mode-switch label:has(#mode-edit)").click()
    other.fill("#edit-control :is(input, textarea)", "the hair")
    expect(other.locator("#edit-canvas .region-legend li")).to_have_count(5)
    other.click("#colorize")
    expect(other.locator(".toast-body")).to_contain_text([JAPANESE["toast_error"]])
    expect(other.locator(".toast-body")).to_contain_text([JAPANESE["toast_busy"]])

    assert waiting(url) == MAX_WAITING
    gate.open.set()
    assert until(lambda: waiting(url) == 0)
    page.click("#colorize")
    expect(page.locator("#status")).to_contain_text("Done")
