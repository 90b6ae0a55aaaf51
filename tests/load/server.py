"""The program as a user starts it, and how much memory it holds."""

import re
import socket
import subprocess
import sys
import time
from pathlib import Path

import httpx

ROOT = Path(__file__).parents[2]


class Server:
    """`python app.py` with a checkpoint, on a free port, in a process of its own. Use in a `with` block."""

    def __init__(self, checkpoint: Path, log: Path):
        with socket.create_server(("127.0.0.1", 0)) as free:
            port = free.getsockname()[1]
        self.url = f"http://127.0.0.1:{port}/"
        self._log = log.open("w")
        command = [sys.executable, "app.py", "--checkpoint", str(checkpoint), "--device", "cpu", "--port", str(port)]
        self._process = subprocess.Popen(
            [*command, "--no-browser"], cwd=ROOT, stdout=self._log, stderr=subprocess.STDOUT
        )

    def __enter__(self) -> "Server":
        for _ in range(600):
            if self._process.poll() is not None:
                raise RuntimeError(f"the program ended; see {self._log.name}")
            try:
                if httpx.get(self.url, timeout=60).status_code == 200:
                    return self
            except httpx.TransportError:
                time.sleep(0.5)
        raise RuntimeError("the program does not answer")

    def __exit__(self, *_error) -> None:
        self._process.terminate()
        self._process.wait(30)
        self._log.close()

    def resident_mb(self) -> float:
        """Resident set size, in MB (Linux)."""
        status = Path(f"/proc/{self._process.pid}/status").read_text()
        return int(re.search(r"VmRSS:\s+(\d+)", status)[1]) / 1024
