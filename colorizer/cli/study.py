"""`study`: make, check and evaluate a study with people; `python app.py --study FOLDER` runs it."""

import getpass
import sys
from argparse import ArgumentParser, Namespace
from pathlib import Path

from colorizer.errors import UserError
from colorizer.study.check import findings
from colorizer.study.example_study import write_example
from colorizer.study.password import hash_password
from colorizer.study.protocol import load_protocol


def add_arguments(parser: ArgumentParser) -> None:
    actions = parser.add_subparsers(dest="action", required=True, metavar="ACTION")
    for name, (_, summary) in ACTIONS.items():
        action = actions.add_parser(name, help=summary, description=summary)
        if name != "password":
            action.add_argument("folder", type=Path, metavar="FOLDER", help="the study's folder, with study.toml")


def run(args: Namespace) -> int:
    """Do one action."""
    return ACTIONS[args.action][0](args)


def _init(args: Namespace) -> int:
    target = write_example(args.folder)
    print(f"{target} is ready: read it, change it, then run: python app.py --study {args.folder}")
    return 0


def _check(args: Namespace) -> int:
    protocol = load_protocol(args.folder)
    if problems := findings(protocol):
        raise UserError("\n       ".join(problems))
    rated = len(protocol.conditions) * len(protocol.stimuli)
    print(
        f"{protocol.title}\n{len(protocol.conditions)} conditions x {len(protocol.stimuli)} stimuli = {rated} trials, "
        f"{len(protocol.practice)} for practice; the orders are balanced after every {len(protocol.order_rows)} "
        f"participants.\nText version {protocol.text_version}. Everything is there."
    )
    return 0


def _password(args: Namespace) -> int:
    if sys.stdin.isatty():
        password = getpass.getpass("Password for the organiser's page: ")
        if getpass.getpass("The same again: ") != password:
            raise UserError("The two passwords differ; try again.")
    else:
        password = sys.stdin.readline().rstrip("\r\n")
    print(f'organiser_password = "{hash_password(password)}"')
    return 0


ACTIONS = {
    "init": (_init, "write a study that runs as it is, with comments, into a folder"),
    "check": (_check, "say what is wrong with a study, or that nothing is"),
    "password": (_password, "print the hash of a password for the organiser's page"),
}
