"""Attacks of strangers and members on a server, each from its own loopback addresses and for a limited time."""

import random
import socket
import ssl
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, suppress
from functools import partial
from time import monotonic, sleep
from typing import NamedTuple

import msgspec
from websockets.frames import Frame, Opcode
from websockets.sync.client import ClientConnection

from bench.abuse_flood import ATTACKER, CONNECTS, Flood, Script
from bench.abuse_people import FAILURES, Target, entered, heard, wait_for
from bench.abuse_victim import Stage

HTTP = b"HTTP/1.1\r\nHost: 127.0.0.1\r\n"
UPGRADE = (
    b"GET /ws " + HTTP + b"Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n"
    b"Sec-WebSocket-Version: 13\r\n\r\n"
)
CHUNKS = Script(b"POST /api/report/status " + HTTP + b"Transfer-Encoding: chunked\r\n\r\n", b"1\r\nx\r\n")
WS_PINGS = Script(UPGRADE, b"\x89\x80abcd", waits=True)
WS_PONGS = Script(UPGRADE, b"\x8a\x80abcd", waits=True)
WS_FRAGMENTS = Script(UPGRADE, b"\x01\x80abcd" + b"\x00\x80abcd" * 998 + b"\x80\x80abcd", waits=True)
HISTORY = Frame(Opcode.TEXT, b'{"action":"history","channel":"lobby","limit":100,"nonce":"h"}').serialize(mask=True)
SEARCH = Frame(Opcode.TEXT, b'{"action":"search","query":"lorem ipsum","limit":100,"nonce":"s"}').serialize(mask=True)
AT_ONCE = 256
"""Requests in one burst: as many as a session may have pending."""
LINKS = ("www.xn--" * 30,)
MARKDOWN = ("[" * 4000, "*a " * 1300, "http://a-" * 440, "`a" * 2000)
HARMLESS = "buy my stuff"
LETTERS = 4000
RETURN_SECONDS = 0.5
"""Time until a member logs in again after its connection was closed."""


class Outcome(NamedTuple):
    """Start of an attack, and the number of requests (connections, frames, chunks) that it made."""

    began: float
    requests: int
    note: str = ""
    undelivered: int = 0
    """Reports that did not reach the website."""
    stored: int = 0
    """Number of messages that were stored."""
    refused: int = 0
    """Number of messages that were refused."""


class Attack(NamedTuple):
    """An attack, which is a row of the table; `by` is who performs it."""

    name: str
    by: str
    act: Callable[[Target, float], Outcome]
    stage: Stage = Stage.PLAIN


def flood(script: Script, connections: int, target: Target, seconds: float) -> Outcome:
    """Run a script on a number of connections."""
    began = monotonic()
    return Outcome(began, Flood(script, connections, target).run(began + seconds))


def requests(path: str, target: Target, seconds: float) -> Outcome:
    """Request a path from four threads."""
    return flood(Script(f"GET {path} ".encode() + HTTP + b"\r\n"), 4, target, seconds)


def history_and_gone(people: int, target: Target, seconds: float) -> Outcome:
    """Log in, request many pages at once, and close the connection."""
    began, made = monotonic(), 0
    with suppress(*FAILURES), ExitStack() as stack:
        members = [
            stack.enter_context(entered(target, f"127.0.0.{3 + number}", f"eve {number}", began + seconds))
            for number in range(people)
        ]
        began = monotonic()
        for member in members:
            # In a single write, which a library would not do.
            member.socket.sendall(HISTORY * AT_ONCE)
            member.socket.shutdown(socket.SHUT_RDWR)
            made += AT_ONCE
    sleep(max(0.0, began + seconds - monotonic()))
    return Outcome(began, made)


def asked(frame: bytes, rate: float, target: Target, seconds: float) -> Outcome:
    """Send the same frame at a steady rate and read the answers; log in again when the connection is closed."""
    began = monotonic()
    made, cuts, until = 0, -1, began + seconds
    while monotonic() < until:
        cuts += 1
        with suppress(*FAILURES), entered(target, ATTACKER, "eve", until) as member:
            due = monotonic()
            while (now := monotonic()) < until:
                if now >= due:
                    member.socket.sendall(frame)
                    made, due = made + 1, due + 1 / rate
                with suppress(TimeoutError):
                    member.recv(timeout=max(0.0, due - monotonic()))
        sleep(RETURN_SECONDS)
    return Outcome(began, made, f"closed {cuts} times" if cuts else "")


def repeated(act: Callable[[Target], None], target: Target, seconds: float) -> Outcome:
    """Repeat an action in four threads, whatever the server answers."""
    began, until = monotonic(), monotonic() + seconds

    def repeat() -> int:
        made = 0
        while (now := monotonic()) < until:
            if made > CONNECTS / 4 * (now - began):
                sleep(0.001)
                continue
            made += 1
            with suppress(OSError):
                act(target)
        return made

    with ThreadPoolExecutor(4) as threads:
        counts = [threads.submit(repeat) for _ in range(4)]
        return Outcome(began, sum(count.result() for count in counts))


def handshake(target: Target) -> None:
    """Do the TLS handshake and close."""
    with (
        _dialled(target) as sock,
        ssl.create_default_context(cafile=target.authority).wrap_socket(sock, server_hostname="127.0.0.1"),
    ):
        return


def login(target: Target) -> None:
    """Log in with a `since` that requests all messages."""
    with _dialled(target) as sock:
        sock.sendall(UPGRADE)
        if not (came := sock.recv(65536)).startswith(b"HTTP/1.1 101"):
            return
        while b'"welcome"' not in came and (more := sock.recv(65536)):
            came += more
        epoch = came.partition(b'"epoch":"')[2].partition(b'"')[0].decode()
        frame = {"action": "login", "username": "eve", "since": {"epoch": epoch, "msgID": 0}}
        sock.sendall(Frame(Opcode.TEXT, msgspec.json.encode(frame)).serialize(mask=True))
        while b'"echo"' not in came and (more := sock.recv(65536)):
            came = came[-8:] + more


def _dialled(target: Target) -> socket.socket:
    return socket.create_connection(("127.0.0.1", target.port), 1, (ATTACKER, 0))


def reported(texts: tuple[str, ...], target: Target, seconds: float) -> Outcome:
    """Send these messages and a harmless one, and report them all; count the reports that reached the website."""
    began = monotonic()
    until, wanted = began + seconds, (*texts, HARMLESS)
    delivered: set[str] = set()
    with (
        suppress(*FAILURES),
        entered(target, ATTACKER, "eve", until) as eve,
        entered(target, "127.0.0.4", "bob", until) as bob,
    ):
        for number, text in enumerate(wanted):
            nonce = str(number)
            _send(eve, {"action": "message", "channel": "lobby", "message": text, "nonce": nonce})
            msg_id = wait_for(eve, "message", until, nonce).msg_id
            _send(bob, {"action": "report", "msgID": msg_id, "reason": "It's spam", "nonce": nonce})
        while len(delivered) < len(wanted):
            report = heard(bob, until - monotonic()).report
            if report and report.status == "delivered":
                delivered.add(report.report_id)
    sleep(max(0.0, until - monotonic()))
    note = f"{len(delivered)} of {len(wanted)} reports delivered"
    return Outcome(began, len(wanted), note, undelivered=len(wanted) - len(delivered))


def random_letters(rate: float, target: Target, seconds: float) -> Outcome:
    """Send messages of maximum length in random CJK letters; with a rate of 0, until the first refusal."""
    made, began, taken, refused = 0, monotonic(), 0, 0
    with suppress(*FAILURES), entered(target, ATTACKER, "eve", began + seconds) as member:
        began = due = monotonic()
        while (now := monotonic()) < began + seconds and (rate or not refused):
            if now >= due and made - taken - refused < AT_ONCE / 8:
                text = "".join(chr(0x4E00 + random.randrange(20000)) for _ in range(LETTERS))
                _send(member, {"action": "message", "channel": "lobby", "message": text, "nonce": str(made)})
                made, due = made + 1, due + (1 / rate if rate else 0.0)
            with suppress(TimeoutError):
                frame = heard(member, max(due - monotonic(), 0.001))
                taken += frame.action == "message"
                refused += frame.action == "error"
    return Outcome(began, made, f"{taken} stored, {refused} refused", stored=taken, refused=refused)


def _send(connection: ClientConnection, frame: Mapping[str, str | int]) -> None:
    connection.send(msgspec.json.encode(frame), text=True)


ATTACKS = (
    *(
        Attack(f"chunked bodies, connections: {count}", "stranger", partial(flood, CHUNKS, count))
        for count in (1, 8, 12)
    ),
    Attack("1,400 silent connections, TLS", "stranger", partial(flood, Script(), 1400), Stage.TLS),
    Attack("websocket pings, 15 connections", "stranger", partial(flood, WS_PINGS, 15)),
    Attack("websocket pongs, 15 connections", "stranger", partial(flood, WS_PONGS, 15)),
    Attack("empty fragments, 15 connections", "stranger", partial(flood, WS_FRAGMENTS, 15)),
    *(Attack(f"GET {path}, 4 at a time", "stranger", partial(requests, path)) for path in ("/metrics", "/readyz")),
    Attack("TLS handshakes, 4 at a time", "stranger", partial(repeated, handshake), Stage.TLS),
    Attack("logins that ask for all messages, 4 at a time", "stranger", partial(repeated, login), Stage.HEAVY),
    *(
        Attack(
            f"256 pages of history, then gone; members: {people}",
            "member",
            partial(history_and_gone, people),
            Stage.HEAVY,
        )
        for people in (1, 4)
    ),
    Attack("history, 18 pages a second", "member", partial(asked, HISTORY, 18.0), Stage.HEAVY),
    Attack("search, 18 pages a second", "member", partial(asked, SEARCH, 18.0), Stage.HEAVY),
    Attack("report of a link that backtracks", "member", partial(reported, LINKS)),
    Attack("reports of quadratic Markdown", "member", partial(reported, MARKDOWN)),
    Attack("4,000 random letters, 2 a second", "member", partial(random_letters, 2.0)),
)
STORAGE = Attack("4,000 random letters, no rate limit", "member", partial(random_letters, 0.0), Stage.NO_RATE)
