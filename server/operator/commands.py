"""The operator's command line: each command reads the settings, opens the database, and prints."""

import argparse
import sqlite3
import sys
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import NamedTuple

from server.engine import schema
from server.engine.trail import TrailError
from server.operator import doctor, reports, rotation, webhooks
from server.operator.webhooks import UnknownError
from server.settings import DEFAULT_FILE, Settings, load

BAD, UNUSABLE = 1, 2


class Desk(NamedTuple):
    """What a command works with."""

    options: argparse.Namespace
    settings: Settings
    file: Path
    connection: sqlite3.Connection


Command = Callable[[Desk], int]


def add_to(parser: argparse.ArgumentParser) -> None:
    """Add the commands, each of which sets `command` for `run`."""
    groups = parser.add_subparsers(title="commands of the operator", metavar="COMMAND")
    webhook = groups.add_parser("webhook", help="webhooks and what is delivered to them")
    report = groups.add_parser("reports", help="reports and their trail")
    _add(groups, "doctor", "look for what is wrong, and say what to do", _doctor)
    verbs = webhook.add_subparsers(required=True, metavar="COMMAND")
    _add(verbs, "list", "all webhooks and how they are doing", lambda desk: _say(webhooks.listed(*desk[1::2])))
    _add(verbs, "test", "send a harmless sample", _test, "name")
    shown = _add(verbs, "deliveries", "the latest deliveries", _deliveries)
    shown.add_argument("--failed", action="store_true", help="only those that have failed")
    shown.add_argument("--limit", type=int, default=50, metavar="N", help="at most so many (default: 50)")
    _add(verbs, "replay", "send a delivery again", lambda d: _say(webhooks.replay(d.connection, d.options.id)), "id")
    _add(verbs, "pause", "send nothing for now", lambda d: _say(webhooks.pause(*d[1::2], d.options.name)), "name")
    _add(verbs, "resume", "send again", lambda d: _say(webhooks.resume(*d[1::2], d.options.name)), "name")
    rotate = _add(verbs, "rotate", "exchange the secret in the settings file", _rotate, "name")
    rotate.add_argument("--finish", action="store_true", help="let the new secret sign alone")
    verbs = report.add_subparsers(required=True, metavar="COMMAND")
    listed = _add(verbs, "list", "the latest reports", lambda d: _say(reports.listed(d.connection, d.options.limit)))
    listed.add_argument("--limit", type=int, default=50, metavar="N", help="at most so many (default: 50)")
    _add(verbs, "show", "one report", lambda d: _say(reports.show(d.connection, d.options.id)), "id")
    verify = _add(verbs, "verify", "prove that the trail was not altered", _verify)
    verify.add_argument("--head", default="", metavar="HASH", help="a hash noted earlier, which must be in the trail")
    export = _add(verbs, "export", "every row of the trail", _export)
    export.add_argument("--format", choices=["jsonl"], default="jsonl", help="one JSON object a line (the default)")


def run(options: argparse.Namespace) -> int:
    """The exit code: 0, 1 if something is wrong with what was looked at, 2 if it could not be looked at."""
    settings, _ = load(options.settings)
    command: Command = options.command
    try:
        if command is _doctor:
            with closing(sqlite3.connect(":memory:")) as nothing:
                return command(Desk(options, settings, options.settings or DEFAULT_FILE, nothing))
        if not Path(settings.database).exists():
            raise UnknownError(f"there is no database {settings.database} yet; has a server run with these settings?")
        with closing(schema.connect(settings.database)) as connection:
            schema.prepare(connection)
            return command(Desk(options, settings, options.settings or DEFAULT_FILE, connection))
    except (UnknownError, sqlite3.Error) as error:
        print(f"flagpost: {error}", file=sys.stderr)
        return UNUSABLE


def _add(
    group: "argparse._SubParsersAction[argparse.ArgumentParser]",
    name: str,
    text: str,
    command: Command,
    argument: str = "",
) -> argparse.ArgumentParser:
    parser = group.add_parser(name, help=text, description=f"{text[0].upper()}{text[1:]}.")
    # Given behind the command too; SUPPRESS, so that what stands before it is not overridden.
    parser.add_argument("--settings", type=Path, metavar="FILE", default=argparse.SUPPRESS, help="settings file")
    parser.set_defaults(command=command)
    if argument:
        parser.add_argument(argument, metavar=argument.upper())
    return parser


def _say(text: str) -> int:
    print(text)
    return 0


def _test(desk: Desk) -> int:
    text, good = webhooks.test(desk.settings, desk.options.name)
    print(text)
    return 0 if good else BAD


def _deliveries(desk: Desk) -> int:
    return _say(webhooks.deliveries(desk.connection, failed=desk.options.failed, limit=desk.options.limit))


def _rotate(desk: Desk) -> int:
    webhooks.known(desk.settings, desk.options.name)
    return _say(rotation.rotate(desk.file, desk.options.name, finish=desk.options.finish))


def _verify(desk: Desk) -> int:
    try:
        return _say(reports.verify(desk.connection, desk.options.head))
    except TrailError as error:
        print(f"flagpost: the trail was altered: {error}", file=sys.stderr)
        return BAD


def _export(desk: Desk) -> int:
    for line in reports.export(desk.connection):
        sys.stdout.buffer.write(line)
    return 0


def _doctor(desk: Desk) -> int:
    worst = 0
    for finding in doctor.findings(desk.settings, desk.file):
        print(finding)
        worst |= finding.grade is doctor.Grade.BAD
    return worst
