"""Visitors who colour, send bad files, cancel and leave, all at once; then the figures, and 1 where something failed.

`python -m tests.load --clients 20 --minutes 5`. Linux only.
"""

import argparse
import asyncio
import statistics
import sys
import tempfile
import time
from pathlib import Path

import httpx

from tests.conftest import TINY, _save
from tests.load.pictures import commissions
from tests.load.server import Server
from tests.load.visitor import Findings, Visitor
from ui.page import MAX_SESSIONS

MAX_GROWTH = 0.1  # of the memory before


def main() -> int:
    parser = argparse.ArgumentParser("python -m tests.load", description=__doc__.splitlines()[0])
    parser.add_argument("--clients", type=int, default=20)
    parser.add_argument("--minutes", type=float, default=5)
    parser.add_argument("--checkpoint", type=Path, help="default: a tiny random model, so that the server is the load")
    args = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        checkpoint = args.checkpoint or _save(TINY, Path(folder) / "tiny.safetensors")
        made = commissions(checkpoint, args.clients)
        with Server(checkpoint, Path(folder) / "server.log") as server:
            findings, memory = asyncio.run(attack(server, made, args.minutes * 60))
    report(findings, memory)
    failed = bool(findings.wrong) or memory["after"] > memory["before"] * (1 + MAX_GROWTH)
    return 1 if failed else 0


async def attack(server: Server, made: list, seconds: float) -> tuple[Findings, dict]:
    """Every visitor once in peace, then all manners at once, then quiet; what was found, and MB of memory.

    Gradio keeps the page's state for the last MAX_SESSIONS visitors, about half a megabyte each. They are there before
    memory is measured; from then on each new one takes the place of another.
    """
    calm, findings, memory = Findings(), Findings(), {}
    for index in range(len(made)):
        await Visitor(index, made, server.url, calm).visit("colour")
    for _ in range(MAX_SESSIONS):
        await Visitor(0, made, server.url, calm).visit("bad file")
    memory["before"] = memory["peak"] = server.resident_mb()

    async def watch() -> None:
        while True:
            memory["peak"] = max(memory["peak"], server.resident_mb())
            await asyncio.sleep(0.5)

    watcher = asyncio.create_task(watch())
    until = time.monotonic() + seconds
    await asyncio.gather(*(Visitor(index, made, server.url, findings).stay(until) for index in range(len(made))))
    await _until_empty(server.url, findings)
    await asyncio.sleep(10)
    watcher.cancel()
    memory["after"] = server.resident_mb()
    await Visitor(0, made, server.url, findings).visit("colour")  # it still answers
    findings.wrong += calm.wrong
    return findings, memory


async def _until_empty(url: str, findings: Findings) -> None:
    async with httpx.AsyncClient(timeout=60) as client:
        for _ in range(120):
            if (await client.get(f"{url}gradio_api/queue/status")).json()["queue_size"] == 0:
                return
            await asyncio.sleep(1)
    findings.wrong.append("the queue is not empty two minutes after the last visitor left")


def report(findings: Findings, memory: dict) -> None:
    print(f"requests: {findings.done.total()}")
    for manner, count in sorted(findings.done.items()):
        print(f"  {manner}: {count}")
    if len(findings.seconds) > 1:
        cuts = statistics.quantiles(findings.seconds, n=20)
        print(f"seconds of a good run: median {statistics.median(findings.seconds):.1f}, 95 % {cuts[-1]:.1f}")
    print("memory of the server, MB: " + ", ".join(f"{when} {size:.0f}" for when, size in memory.items()))
    print(f"wrong: {len(findings.wrong)}")
    for line in findings.wrong[:50]:
        print(f"  {line}")


if __name__ == "__main__":
    sys.exit(main())
