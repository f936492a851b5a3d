"""Renders the pictures of the README: the client in the demo's room, beside the inbox of the demo's site.

`python -m docs.picture` writes docs/report.svg (five stills, one after the other), docs/form.svg and docs/reports.svg.
"""

import asyncio
import re
from collections.abc import Sequence
from datetime import timedelta
from pathlib import Path
from xml.etree.ElementTree import fromstring

import httpx
from textual.pilot import Pilot

from server.demo.cast import SPAMMER
from server.protocol.frames import ReportEntry, Reports, ReportsRequest
from tests.support.pilots import client, until_seen
from tests.support.scripted_server import ScriptedServer, report
from tui.fullscreen.app import FlagpostApp
from tui.fullscreen.timeline.view import TimelineView
from tui.net.local_server import CHAT, INBOX, start
from tui.options import Options

HERE = Path(__file__).parent
SIZE = (92, 26)
NAME, NOTE = "ada", "Thank you, ada. The account is closed."
STILL_SECONDS = 2.4
WELCOME, SPAM = "welcome ashore", "card number"
"""Words of the messages that greet a newcomer, in this order."""
SETTLE_SECONDS = 1.0
CARD, CAPTION = 470, 46
"""Pixels: the width of the inbox, and the height of the caption."""
FONT = re.compile(r"@font-face \{.*?\}", re.DOTALL)


async def main() -> None:
    """Report a message of the spammer in the demo, answer it as the site, and save pictures of each step."""
    demo = await start("server.demo", ["--address", "127.0.0.1:0", "--site", "127.0.0.1:0"], [CHAT, INBOX])
    app = FlagpostApp(Options(NAME, demo.urls[CHAT]))
    async with httpx.AsyncClient(base_url=demo.urls[INBOX], trust_env=False) as site, app.run_test(size=SIZE) as pilot:
        await until_seen(pilot, WELCOME)
        stills = [await still(pilot, site, "Your members chat in the terminal")]
        await until_seen(pilot, SPAM)
        await pilot.press("up")
        while (line := app.query_one(TimelineView).highlighted) and line.author != SPAMMER:
            await pilot.press("up")
        await pilot.pause(SETTLE_SECONDS)
        stills.append(await still(pilot, site, "Spam arrives. Highlight it, and press r"))
        await pilot.press("r")
        await pilot.pause(SETTLE_SECONDS)
        await pilot.press("enter", *"third time today")
        save("form", app.export_screenshot(title="Flagpost"))
        stills.append(await still(pilot, site, "Choose a reason, say why, press Enter"))
        await pilot.press("enter")
        await until_seen(pilot, "reached the site")
        await pilot.pause(SETTLE_SECONDS)
        stills.append(await still(pilot, site, "Delivered: your site has it, with the messages around it"))
        await resolve(site)
        await until_seen(pilot, NOTE[-10:])
        await pilot.pause(SETTLE_SECONDS)
        stills.append(await still(pilot, site, "Your site answers, and the reporter reads it"))
    await demo.stop()
    save("report", film(stills))
    save("reports", await list_of_reports())


async def still(pilot: Pilot[None], site: httpx.AsyncClient, caption: str) -> tuple[str, str, str]:
    """Return a caption, the screen and the inbox."""
    return caption, pilot.app.export_screenshot(title="Flagpost"), (await site.get("/")).text


async def resolve(site: httpx.AsyncClient) -> None:
    """Mark the report as resolved, using the form of the site."""
    (found,) = (await site.get("/reports.json")).json()
    path = f"/reports/{found['ReportID']}"
    token = re.search('name="token" value="([^"]+)"', (await site.get(path)).text)
    answer = {"token": token[1] if token else "", "status": "resolved", "note": NOTE}
    await site.post(path, data=answer)


async def list_of_reports() -> str:
    """Return a picture of three reports: waiting, delivered, resolved."""
    late = timedelta(days=1)
    entries: list[ReportEntry] = [
        report(31, SPAMMER, status="resolved", note=NOTE, comment="third time today", message="FREE gold compass"),
        report(23, "webby", reason="It's abusive (racist, homophobic, etc.)", message="nobody wants you here"),
        report(
            7,
            "sparky",
            status="waiting",
            message="watches, half price",
            error="It answered with status 503",
            next_at=report().at + late,
        ),
    ]
    script = ScriptedServer(
        answer=lambda ask: [Reports(entries, nonce=ask.nonce)] if isinstance(ask, ReportsRequest) else []
    )
    async with client(script, SIZE) as (pilot, _):
        await pilot.press("ctrl+r")
        await until_seen(pilot, NOTE[-10:])
        await pilot.pause(SETTLE_SECONDS)
        return pilot.app.export_screenshot(title="Flagpost")


def film(stills: Sequence[tuple[str, str, str]]) -> str:
    """Return an SVG that shows the stills one after the other; with reduced motion, only the last one."""
    root = fromstring(stills[0][1])  # noqa: S314 - a picture of our own
    width, height = (round(float(side)) for side in (root.get("viewBox") or "").split()[2:])
    seconds, share = STILL_SECONDS * len(stills), 100 / len(stills)
    rules, parts = [], []
    for number, (caption, screen, inbox) in enumerate(stills):
        shown = f"{number * share:g}% {{ visibility: visible }} {(number + 1) * share:g}% {{ visibility: hidden }}"
        rules.append(
            f"@keyframes s{number} {{ 0% {{ visibility: hidden }} {shown} }}"
            if number
            else f"@keyframes s0 {{ {shown} }}"
        )
        rules.append(f"#s{number} {{ animation: s{number} {seconds}s step-end infinite; visibility: hidden }}")
        nested = FONT.sub("", screen).replace("<svg ", f'<svg width="{width}" height="{height}" ', 1)
        words = f'<text class="caption" x="12" y="{height + 30}">{caption}</text>'
        parts.append(f'<g id="s{number}">{nested}{_inbox(inbox, width, height)}{words}</g>')
    last = f"#s{len(stills) - 1} {{ animation: none; visibility: visible }}"
    style = "\n".join(
        [*rules, f"@media (prefers-reduced-motion: reduce) {{ g {{ animation: none !important }} {last} }}"]
    )
    caption_style = ".caption { font: 24px system-ui, sans-serif; fill: #7aa2f7 }"
    return "\n".join(
        [
            f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width + CARD} {height + CAPTION}">',
            f"<style>{caption_style}\n{style}</style>",
            *parts,
            "</svg>\n",
        ]
    )


def _inbox(page: str, x: int, height: int) -> str:
    """Return the part of a still that shows the site's inbox, with the site's styles."""
    style, body = (re.search(f"<{tag}[^>]*>(.*?)</{tag}>", page, re.DOTALL) for tag in ("style", "body"))
    looks = style[1].replace("body {", ".inbox { min-height: 100%;") if style else ""
    page = (
        f'<div xmlns="http://www.w3.org/1999/xhtml" class="inbox"><style>{looks}</style>{body[1] if body else ""}</div>'
    )
    return f'<foreignObject x="{x}" y="0" width="{CARD}" height="{height}">{page}</foreignObject>'


def save(name: str, picture: str) -> None:
    """Write a picture, without the fonts that it would load from elsewhere."""
    (HERE / f"{name}.svg").write_text(FONT.sub("", picture), encoding="utf-8")


if __name__ == "__main__":
    asyncio.run(main())
