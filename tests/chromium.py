"""A real Chromium for the tests of the pages. A module that imports this is skipped where playwright is missing."""

import shutil

import pytest

sync_api = pytest.importorskip("playwright.sync_api")

PATIENCE = 60_000  # ms until something that should happen has happened, on a busy machine too
sync_api.expect.set_options(timeout=PATIENCE)

CHROMIUM = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
CHROMIUM_FLAGS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]

needs_chromium = pytest.mark.skipif(CHROMIUM is None, reason="needs chromium or google-chrome")


@pytest.fixture(scope="module", name="browser")
def chromium_browser():
    with sync_api.sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=CHROMIUM_FLAGS)
        yield browser
        browser.close()
