"""The server's log: one line for each event of the server and its libraries, as text or JSON."""

import logging
import sys
import traceback

import structlog
from structlog.typing import EventDict, ExcInfo, Processor

from server.settings.model import Log

# Below warnings, libraries log the data that they handle: frames and URLs.
LIBRARIES = logging.WARNING


def configure(settings: Log) -> None:
    """Apply these settings to everything logged in this process."""
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(_formatter(settings))
    level = logging.getLevelNamesMapping()[settings.level.upper()]
    root = logging.getLogger()
    root.handlers = [handler]
    root.setLevel(max(level, LIBRARIES))
    logging.getLogger("server").setLevel(level)
    # psycopg warns about every connection that breaks; our own log line says what follows from it.
    logging.getLogger("psycopg").setLevel(logging.ERROR)


def _formatter(settings: Log) -> logging.Formatter:
    before: list[Processor] = [
        _strip_arguments,
        structlog.stdlib.add_log_level,
        structlog.stdlib.add_logger_name,
        structlog.stdlib.ExtraAdder(),
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        structlog.processors.ExceptionRenderer(_format_exception),
    ]
    # Quote values with escapes: some come from a website, and may contain terminal control sequences.
    console = structlog.dev.ConsoleRenderer(colors=False, pad_event_to=0, repr_native_str=True)
    return structlog.stdlib.ProcessorFormatter(
        processors=[
            structlog.stdlib.ProcessorFormatter.remove_processors_meta,
            structlog.processors.JSONRenderer() if settings.format == "json" else console,
        ],
        foreign_pre_chain=before,
    )


def _strip_arguments(_logger: object, _name: str, event: EventDict) -> EventDict:
    """Remove what asyncio appends to its events: the arguments of a callback, which may be frames."""
    line = str(event["event"]).partition("\n")[0]
    event["event"] = "Exception in callback" if line.startswith("Exception in callback") else line
    return event


def _format_exception(exc_info: ExcInfo) -> str:
    """Format the tracebacks and types of an exception and its causes, without messages, which may quote users."""
    found: list[str] = []
    error: BaseException | None = exc_info[1]
    while error:
        found[:0] = [
            *traceback.format_tb(error.__traceback__),
            f"{type(error).__module__}.{type(error).__qualname__}\n",
        ]
        error = error.__cause__ or error.__context__
    return "".join(found).rstrip()
