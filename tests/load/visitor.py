"""One visitor of the load test: what it does by turns, and what it finds wrong."""

import asyncio
import io
import json
import random
import time
from collections import Counter
from dataclasses import dataclass, field

import httpx
import numpy as np
from PIL import Image

from colorizer.png import read_parameters
from tests.bad_files import bad_files
from tests.load.pictures import STEPS, Commission, whose

# what a visitor does -> how often
MANNERS = {"colour": 10, "bad file": 3, "too large": 1, "cancel": 3, "leave": 3, "leave the queue": 2, "look": 2}


@dataclass
class Findings:
    """done: how often each thing was done, refusals included. wrong: what must not happen. seconds: of good runs."""

    done: Counter = field(default_factory=Counter)
    wrong: list[str] = field(default_factory=list)
    seconds: list[float] = field(default_factory=list)


class Busy(Exception):
    """The queue was full."""


class Visitor:
    def __init__(self, index: int, made: list[Commission], url: str, findings: Findings):
        self.index, self.made, self.own = index, made, made[index]
        self.findings = findings
        self.client = httpx.AsyncClient(base_url=f"{url}gradio_api/", timeout=300)
        self.random = random.Random(index)

    async def stay(self, until: float) -> None:
        """Come again and again until `until`, a time of `time.monotonic`."""
        async with self.client:
            while time.monotonic() < until:
                manner = self.random.choices(list(MANNERS), list(MANNERS.values()))[0]
                await self.visit(manner)
                await asyncio.sleep(self.random.uniform(0, 1))

    async def visit(self, manner: str) -> None:
        try:
            await getattr(self, "_" + manner.replace(" ", "_"))()
            self.findings.done[manner] += 1
        except Busy:
            self.findings.done["turned away: busy"] += 1
            await asyncio.sleep(self.random.uniform(1, 3))
        except (httpx.HTTPError, AssertionError, KeyError, ValueError) as error:
            self.findings.wrong.append(f"visitor {self.index}, {manner}: {type(error).__name__} {error}"[:300])

    async def _colour(self) -> None:
        started = time.monotonic()
        event = await self._join(await self._upload(self.own.sketch), await self._upload(self.own.reference))
        kind, data = await self._last(event)
        assert kind == "complete", f"{kind} {data}"
        self.findings.seconds.append(time.monotonic() - started)
        file = (await self.client.get(data[0]["url"])).content
        assert read_parameters(file).seed == self.own.seed, "the picture of another seed"
        owner = whose(np.asarray(Image.open(io.BytesIO(file)).convert("RGB")), self.made)
        assert owner == self.index, f"the picture of {'nobody' if owner is None else owner}"

    async def _bad_file(self) -> None:
        data, said = self.random.choice(list(bad_files().values()))
        kind, told = await self._last(await self._join(await self._upload(data)))
        assert kind == "error" and said in told["error"], f"{kind} {told}"

    async def _too_large(self) -> None:
        answer = await self.client.post("upload", files={"files": ("large.png", bytes(21 * 2**20))})
        assert answer.status_code == 413, answer.text

    async def _cancel(self) -> None:
        event = await self._join(await self._upload(self.own.sketch))
        async with self.client.stream("GET", f"call/colorize/{event}") as answer:
            await self._first_step(answer)
            body = {"event_id": event, "session_hash": event, "fn_index": await self._number_of_endpoint()}
            assert (await self.client.post("cancel", json=body)).status_code == 200

    async def _leave(self) -> None:
        event = await self._join(await self._upload(self.own.sketch))
        async with self.client.stream("GET", f"call/colorize/{event}") as answer:
            await self._first_step(answer)

    async def _leave_the_queue(self) -> None:
        event = await self._join(await self._upload(self.own.sketch))
        async with self.client.stream("GET", f"call/colorize/{event}"):
            await asyncio.sleep(self.random.uniform(0, 0.5))

    async def _look(self) -> None:
        for path in ("../", "../config", "../docs", "info"):
            assert (await self.client.get(path)).status_code == 200, path

    async def _upload(self, data: bytes) -> dict:
        answer = await self.client.post("upload", files={"files": (f"{self.index}.png", data)})
        assert answer.status_code == 200, answer.text
        return {"path": answer.json()[0], "meta": {"_type": "gradio.FileData"}}

    async def _join(self, sketch: dict, reference: dict | None = None) -> str:
        body = {"sketch": sketch, "reference": reference, "steps": STEPS, "seed": self.own.seed}
        answer = await self.client.post("call/v2/colorize", json=body)
        if answer.status_code == 503:
            raise Busy
        assert answer.status_code == 200, answer.text
        return answer.json()["event_id"]

    async def _last(self, event: str) -> tuple[str, list | dict]:
        """(kind, data) of a call's last message."""
        text = (await self.client.get(f"call/colorize/{event}")).text
        kind, data = text.rsplit("event: ", 1)[1].split("\n", 1)
        return kind, json.loads(data.removeprefix("data: "))

    async def _first_step(self, answer: httpx.Response) -> None:
        async for line in answer.aiter_lines():
            if line.startswith(("event: generating", "event: complete")):
                return

    async def _number_of_endpoint(self) -> int:
        dependencies = (await self.client.get("../config")).json()["dependencies"]
        return next(dependency["id"] for dependency in dependencies if dependency["api_name"] == "colorize")
