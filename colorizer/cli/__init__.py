"""The command line: `python -m colorizer COMMAND`. One module a command, imported only when it is asked for."""

import argparse
import errno
import importlib
import sys

from colorizer.errors import UserError

# command -> (module with add_arguments(parser) and run(args) -> int, one line of help)
COMMANDS = {
    "colorize": ("colorizer.cli.colorize", "colour a sketch, or a folder of them, like a reference"),
    "degree": ("colorizer.cli.degree", "show one edit at several target scales side by side"),
    "compare-strategies": ("colorizer.cli.compare_strategies", "train every strategy at one budget and compare them"),
    "evaluate": ("colorizer.cli.evaluate", "measure a model on triples of sketch, reference and truth"),
    "evaluate-edits": ("colorizer.cli.evaluate_edits", "measure how well a model follows edits by words"),
    "fetch": ("colorizer.cli.fetch", "download the published weights"),
    "heatmap": ("colorizer.cli.heatmap", "show which regions of a reference a text reaches"),
    "info": ("colorizer.cli.info", "describe a checkpoint"),
    "make-edits": ("colorizer.cli.make_edits", "draw a set of edits by words to evaluate on"),
    "make-triples": ("colorizer.cli.make_triples", "draw the standard triples to evaluate on"),
    "parity": ("colorizer.cli.parity", "compare with stored outputs of the published implementation"),
    "share": ("colorizer.cli.share", "store a checkpoint without the parts that another one has"),
    "sketch": ("colorizer.cli.sketch", "extract or clean up line art"),
    "study": ("colorizer.cli.study", "make, check and evaluate a study with people"),
    "train": ("colorizer.cli.train", "train a named configuration"),
}

NO_ROOM = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)


def main(argv: list[str] | None = None) -> int:
    """Run one command. Returns the exit status: 0 done, 2 the user can put it right."""
    argv = sys.argv[1:] if argv is None else argv
    try:
        args = _parse(argv)
        return importlib.import_module(COMMANDS[args.command][0]).run(args) or 0
    except UserError as error:
        print(f"error: {error}", file=sys.stderr)
        return 2
    except ModuleNotFoundError as error:
        missing = error.name.partition(".")[0]
        if missing == "colorizer":
            raise
        needed = "pip install -r requirements.txt -r requirements-train.txt"
        print(f"error: {missing} is not installed; run {needed}", file=sys.stderr)
        return 2
    except OSError as error:
        if error.errno not in NO_ROOM:
            raise
        print(f"error: {error.filename or 'a file'} cannot be written: {error.strerror}; make room", file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        return 130


def _parse(argv: list[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser("python -m colorizer", description="Colour line art like a reference picture.")
    subparsers = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")
    for name, (module, summary) in COMMANDS.items():
        subparser = subparsers.add_parser(name, help=summary, description=summary)
        if argv and argv[0] == name:
            importlib.import_module(module).add_arguments(subparser)
    return parser.parse_args(argv)
