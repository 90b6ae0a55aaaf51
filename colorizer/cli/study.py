"""`study`: make, check and evaluate a study with people; `python app.py --study FOLDER` runs it."""

import getpass
import sys
from argparse import ArgumentParser, Namespace
from contextlib import closing
from pathlib import Path

from colorizer.errors import UserError
from colorizer.study.check import findings
from colorizer.study.example_study import write_example
from colorizer.study.export import FORMATS, export_to_folder
from colorizer.study.organiser import Organiser
from colorizer.study.password import hash_password
from colorizer.study.protocol import load_protocol
from colorizer.study.report import write_report
from colorizer.study.report_tables import facts
from colorizer.study.session import Study

OUT = {"report": "report.html", "export": "export"}


def add_arguments(parser: ArgumentParser) -> None:
    actions = parser.add_subparsers(dest="action", required=True, metavar="ACTION")
    for name, (_, summary) in ACTIONS.items():
        action = actions.add_parser(name, help=summary, description=summary)
        if name != "password":
            action.add_argument("folder", type=Path, metavar="FOLDER", help="the study's folder, with study.toml")
        if name in ("report", "export"):
            action.add_argument("--study-db", metavar="URL", help="database of the records (default: the study's own)")
            action.add_argument("--out", type=Path, help=f"default: {OUT[name]} in FOLDER")
        if name == "export":
            action.add_argument("--format", choices=FORMATS, default="csv", help="csv, or JSON Lines (%(default)s)")


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


def _report(args: Namespace) -> int:
    with closing(Study.open(args.folder, args.study_db)) as study:
        summary = Organiser(study).summary()
    target = args.out or args.folder / OUT["report"]
    write_report(summary, target)
    print("\n".join(f"{name}: {value}" for name, value in facts(summary)))
    print(target)
    return 0


def _export(args: Namespace) -> int:
    with closing(Study.open(args.folder, args.study_db)) as study:
        records = Organiser(study).records()
    for path in export_to_folder(records, args.format, args.out or args.folder / OUT["export"]):
        print(path)
    return 0


ACTIONS = {
    "init": (_init, "write a study that runs as it is, with comments, into a folder"),
    "check": (_check, "say what is wrong with a study, or that nothing is"),
    "report": (_report, "write means, tests and charts as a page (.html) or for print (.pdf)"),
    "export": (_export, "write all records as CSV or JSON Lines"),
    "password": (_password, "print the hash of a password for the organiser's page"),
}
