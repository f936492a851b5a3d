"""The administrator's command line: each command reads the settings, uses the database, and prints."""

import argparse
import io
import re
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple, TypeAlias

from server.operator import doctor, people, report_commands, rotation, webhook_commands
from server.operator.backup import backup
from server.operator.finding import Grade
from server.operator.migrate import check_place, migrate, rehearse
from server.operator.printing import CommandError
from server.operator.reloading import request_reload
from server.ops.process import silence
from server.protocol.characters import in_one_line
from server.settings import DEFAULT_FILE, Settings, load
from server.storage.base import StorageError
from server.storage.opening import open_store
from server.storage.sql import SqlConnection
from server.storage.store import Store
from server.storage.trail import TrailError

BAD, UNUSABLE = 1, 2
DEFAULT_LIMIT = 50
WEBHOOK_ARGUMENT = ("name", "ID of the webhook, or its Name if it has no ID")


class CommandContext(NamedTuple):
    """The context of a command; `options` are the parsed arguments."""

    options: argparse.Namespace
    settings: Settings

    @property
    def store(self) -> Store:
        """The server's database."""
        return open_store(self.settings.database)

    @contextmanager
    def database(self, *, write: bool = False) -> Iterator[SqlConnection]:
        """Open a transaction on the server's database. Raises OneLineError."""
        try:
            with self.store.transaction(write=write) as connection:
                yield connection
        except StorageError as error:
            # SQLite's errors quote data that it cannot read.
            raise CommandError(in_one_line(str(error))) from None
        except ValueError as error:
            # Values that were altered may not be valid numbers, states or times.
            raise CommandError(f"Database: {in_one_line(str(error))}; run `doctor` for details") from None


Command = Callable[[CommandContext], int]
Commands: TypeAlias = "argparse._SubParsersAction[argparse.ArgumentParser]"


def add_to(parser: argparse.ArgumentParser) -> None:
    """Add the commands; each sets `command` for `run`."""
    groups = parser.add_subparsers(title="administration", metavar="COMMAND")
    webhook = groups.add_parser("webhook", help="webhooks and their deliveries")
    report = groups.add_parser("reports", help="reports and their trail")
    _add(groups, "doctor", "check the server's setup, and suggest fixes", _doctor)
    _add(groups, "reload", "check the settings, and have the running server apply them", _reload)
    _add(groups, "backup", "back up the database, even while the server runs", _backup, ("file", "file to create"))
    source, copy = (
        ("from", "SQLite file, or postgresql://USER@HOST/DATABASE"),
        ("to", "new file, or URL of an empty database"),
    )
    moved = _add(groups, "migrate", "copy the room from one database to another", _migrate, source, copy)
    moved.add_argument("--dry-run", action="store_true", help="only check what would be copied")
    person = groups.add_parser("people", help="export or erase what is stored about a person")
    _add_people(person.add_subparsers(required=True, metavar="COMMAND"))
    _add_webhooks(webhook.add_subparsers(required=True, metavar="COMMAND"))
    _add_reports(report.add_subparsers(required=True, metavar="COMMAND"))


def _add_people(group: Commands) -> None:
    for name, text, command in (
        ("export", "print what is stored about a person, one JSON object per line", _export_person),
        ("erase", "erase a person and their messages; reports are kept", _erase_person),
    ):
        _add(group, name, text, command, ("name", "name that the person has or had")).add_argument(
            "--identity", metavar="ID", help="identity of the person, if several have had this name"
        )


def _add_webhooks(group: Commands) -> None:
    _add(group, "list", "list webhooks with their state", _webhooks)
    _add(group, "test", "send a harmless test call", _test, WEBHOOK_ARGUMENT)
    deliveries = _add(group, "deliveries", "list the latest deliveries", _deliveries)
    deliveries.add_argument("--failed", action="store_true", help="list only failed ones")
    _add_limit(deliveries)
    _add(group, "replay", "resend a delivery", _replay, ("id", "ID of the delivery, as `webhook deliveries` shows it"))
    _add(group, "pause", "pause deliveries", _pause, WEBHOOK_ARGUMENT)
    _add(group, "resume", "resume deliveries", _resume, WEBHOOK_ARGUMENT)
    rotate = _add(group, "rotate", "rotate the signing secret in the settings file", _rotate, WEBHOOK_ARGUMENT)
    rotate.add_argument("--finish", action="store_true", help="end the rotation: remove the old secret")


def _add_reports(group: Commands) -> None:
    _add_limit(_add(group, "list", "list the latest reports", _reports))
    _add(group, "show", "show a report", _show_report, ("id", "ID of the report, as `reports list` shows it"))
    verify = _add(group, "verify", "verify that the trail was not altered", _verify)
    verify.add_argument(
        "--head", type=_hash, metavar="HASH", help="a hash that you noted earlier; it must be in the trail"
    )
    export = _add(group, "export", "export all rows of the trail", _export)
    export.add_argument("--format", choices=["jsonl"], default="jsonl", help="one JSON object per line (default)")


def run(options: argparse.Namespace) -> int:
    """Run a command; return 0, 1 if a check failed, or 2 if the command could not run."""
    command: Command = options.command
    if sys.stdout is None:
        print("flagpost: standard output is closed; connect it to a file, a pipe or a terminal", file=sys.stderr)
        return UNUSABLE
    if isinstance(sys.stdout, io.TextIOWrapper):
        # Characters outside the terminal's encoding must not abort a command.
        sys.stdout.reconfigure(errors="backslashreplace")
    try:
        if command is _doctor:
            code = _doctor(CommandContext(options, Settings()))
        else:
            code = command(CommandContext(options, load(options.settings).settings))
        sys.stdout.flush()
    except BrokenPipeError:
        # The reader, such as `head`, has closed the pipe.
        silence(sys.stdout)
        return 0
    except OSError as error:
        silence(sys.stdout)
        print(f"flagpost: standard output cannot be written: {error.strerror}; redirect it elsewhere", file=sys.stderr)
        return UNUSABLE
    return code


def _add(
    group: Commands, name: str, text: str, command: Command, *arguments: tuple[str, str]
) -> argparse.ArgumentParser:
    parser = group.add_parser(name, help=text, description=f"{text[0].upper()}{text[1:]}.")
    # Also allowed after the command; SUPPRESS keeps a value given before it.
    parser.add_argument(
        "--settings", type=Path, metavar="FILE", default=argparse.SUPPRESS, help="settings file of the server"
    )
    parser.set_defaults(command=command)
    for argument, meaning in arguments:
        parser.add_argument(argument, metavar=argument.upper(), help=meaning)
    return parser


def _add_limit(parser: argparse.ArgumentParser) -> None:
    text = f"maximum number (default: {DEFAULT_LIMIT})"
    parser.add_argument("--limit", type=_count, default=DEFAULT_LIMIT, metavar="N", help=text)


def _count(text: str) -> int:
    if not text.isdecimal() or not 0 < int(text) < 2**31:
        raise argparse.ArgumentTypeError(f"{text!r} is not a positive number; give one like {DEFAULT_LIMIT}")
    return int(text)


def _hash(text: str) -> str:
    digits = text.strip().lower()
    if not re.fullmatch("[0-9a-f]{64}", digits):
        raise argparse.ArgumentTypeError(
            f"{text!r} is not a hash of 64 hexadecimal digits; give one that `reports verify` printed"
        )
    return digits


def _webhooks(context: CommandContext) -> int:
    with context.database() as connection:
        print(webhook_commands.listed(context.settings, connection))
    return 0


def _test(context: CommandContext) -> int:
    text, good = webhook_commands.test(context.settings, context.options.name)
    print(text)
    return 0 if good else BAD


def _deliveries(context: CommandContext) -> int:
    with context.database() as connection:
        print(webhook_commands.deliveries(connection, failed=context.options.failed, limit=context.options.limit))
    return 0


def _replay(context: CommandContext) -> int:
    with context.database(write=True) as connection:
        text = webhook_commands.replay(context.settings, connection, context.options.id)
    print(text)
    return 0


def _pause(context: CommandContext) -> int:
    with context.database(write=True) as connection:
        text = webhook_commands.pause(context.settings, connection, context.options.name)
    print(text)
    return 0


def _resume(context: CommandContext) -> int:
    with context.database(write=True) as connection:
        text = webhook_commands.resume(context.settings, connection, context.options.name)
    print(text)
    return 0


def _rotate(context: CommandContext) -> int:
    hook = webhook_commands.known(context.settings, context.options.name)
    print(rotation.rotate(context.options.settings or DEFAULT_FILE, hook.queue, finish=context.options.finish))
    return 0


def _reports(context: CommandContext) -> int:
    with context.database() as connection:
        print(report_commands.listed(connection, context.options.limit))
    return 0


def _show_report(context: CommandContext) -> int:
    with context.database() as connection:
        print(report_commands.show_report(connection, context.options.id))
    return 0


def _verify(context: CommandContext) -> int:
    try:
        with context.database() as connection:
            print(report_commands.verify(connection, context.options.head))
    except TrailError as error:
        print(f"flagpost: the trail was altered: {in_one_line(str(error))}; compare it with a backup", file=sys.stderr)
        return BAD
    return 0


def _export(context: CommandContext) -> int:
    with context.database() as connection:
        for line in report_commands.export(connection):
            print(line)
    return 0


def _backup(context: CommandContext) -> int:
    print(backup(context.store, Path(context.options.file)))
    return 0


def _migrate(context: CommandContext) -> int:
    source, target = (check_place(getattr(context.options, name)) for name in ("from", "to"))
    print((rehearse if context.options.dry_run else migrate)(source, target))
    return 0


def _export_person(context: CommandContext) -> int:
    with context.database() as connection:
        for line in people.export(connection, context.options.name, context.options.identity):
            print(line)
    return 0


def _erase_person(context: CommandContext) -> int:
    with context.database(write=True) as connection:
        text = people.erase(connection, context.options.name, context.options.identity)
    print(text)
    if not context.store.erase_traces():
        print("Traces remain in the -wal file while another program reads the database; the server removes them later.")
    return 0


def _reload(context: CommandContext) -> int:
    print(request_reload(context.settings.database))
    return 0


def _doctor(context: CommandContext) -> int:
    worst = 0
    for finding in doctor.findings(context.options.settings):
        print(finding, flush=True)
        worst |= finding.grade is Grade.BAD
    return worst
