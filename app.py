"""Start the web page: `python app.py`."""

import argparse
import os
import sys
import webbrowser
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

from colorizer.errors import UserError

if TYPE_CHECKING:
    from gradio import Blocks

    from ui.model_shelf import ModelShelf

with suppress(ImportError):
    import spaces  # noqa: F401 - on Spaces with ZeroGPU, and before torch there

CHECKPOINTS = Path(__file__).parent / "checkpoints"


def parse_arguments(argv: list[str] | None = None) -> argparse.Namespace:
    on_space = "SPACE_ID" in os.environ
    parser = argparse.ArgumentParser(description="Colour sketches from reference pictures in the browser.")
    parser.add_argument("--checkpoint", type=Path, help="a .safetensors model; default: the first in checkpoints/")
    parser.add_argument("--device", default="auto", help="auto, cpu, cuda or mps (default: auto)")
    parser.add_argument("--port", type=int, help="default: the first free one from 7860")
    parser.add_argument(
        "--host",
        default="0.0.0.0" if on_space else "127.0.0.1",
        help="address to listen on; 0.0.0.0 lets other computers in (default: %(default)s)",
    )
    parser.add_argument("--share", action="store_true", help="make a public link; needs --password")
    parser.add_argument("--password", help="ask visitors for this password, with any user name")
    parser.add_argument("--mcp", action="store_true", help="be an MCP server too; needs: pip install 'gradio[mcp]'")
    parser.add_argument(
        "--study", type=Path, metavar="FOLDER", help="serve the study in this folder instead of the ordinary page"
    )
    parser.add_argument("--study-db", metavar="URL", help="where the study's records are, instead of in its folder")
    parser.add_argument("--no-browser", action="store_true", help="do not open the page in a browser")
    args = parser.parse_args(argv)
    if args.share and not args.password:
        parser.error("--share puts the page on the internet: give a --password with it")
    if args.password == "":
        parser.error("--password is empty, which would let everybody in: give one, or leave it out")
    if args.port is not None and not 0 < args.port < 2**16:
        parser.error(f"--port is {args.port}; give one from 1 to 65535")
    if args.study and (args.checkpoint or args.mcp):
        parser.error("--study serves participants only, with the study's own models: leave --checkpoint and --mcp out")
    if args.study_db and not args.study:
        parser.error("--study-db is for the records of a study: give --study with it")
    if args.checkpoint is not None and not args.checkpoint.is_file():
        parser.error(f"there is no file {args.checkpoint}: give the path of a .safetensors checkpoint")
    return args


def has_desktop() -> bool:
    """Whether somebody sits before this machine who would see a browser open."""
    if not sys.stdout.isatty() or "SSH_CONNECTION" in os.environ:
        return False
    return sys.platform in ("darwin", "win32") or bool(os.environ.get("DISPLAY") or os.environ.get("WAYLAND_DISPLAY"))


def main(argv: list[str] | None = None) -> int:
    args = parse_arguments(argv)
    try:
        blocks, address = serve_study(args) if args.study else serve_page(args)
    except UserError as error:
        print(f"error: {error}", file=sys.stderr)
        return 2
    except OSError:
        where = f"port {args.port}" if args.port else "any port from 7860 to 7959"
        print(f"error: cannot listen on {args.host}, {where}: give another --port or --host", file=sys.stderr)
        return 2
    print(f"The page is at {address} (Ctrl+C ends it).", flush=True)
    if args.share and not blocks.share_url:
        print("There is no public link: the service that makes it could not be reached.", file=sys.stderr)
    if has_desktop() and not args.no_browser:
        webbrowser.open(address)
    blocks.block_thread()
    return 0


# What is imported inside functions takes seconds, which a mistyped flag should not cost.


def serve_page(args: argparse.Namespace) -> "tuple[Blocks, str]":
    """The ordinary page and its address."""
    from ui.mcp_server import PATH
    from ui.model_shelf import ModelShelf
    from ui.page import build_page, launch

    shelf = ModelShelf(CHECKPOINTS, args.device, args.checkpoint)
    load_default(shelf)
    blocks = build_page(shelf)
    address = launch(blocks, args.host, args.port, args.share, args.password, args.mcp)
    if args.mcp:
        print(f"The MCP server is at {address}{PATH}", flush=True)
    return blocks, address


def serve_study(args: argparse.Namespace) -> "tuple[Blocks, str]":
    """The pages of a study and their address."""
    from colorizer.study.session import Study
    from ui.study.page import ORGANISER, build_study_page, launch_study

    study = Study.open(args.study, args.study_db)
    blocks = build_study_page(study, args.device)
    address = launch_study(blocks, study, args.host, args.port, args.share, args.password)
    print(f"The organiser's page is at {address}{ORGANISER}", flush=True)
    return blocks, address


def load_default(shelf: "ModelShelf") -> None:
    """Have the model that the page begins with in memory before anybody comes."""
    name = shelf.default()
    if name is None:
        print(f"There is no model in {CHECKPOINTS}; the page says what to do.", file=sys.stderr)
    elif shelf.describe(name).states_prediction_type:  # else the visitor chooses before it is loaded
        shelf.open(name)


if __name__ == "__main__":
    sys.exit(main())
