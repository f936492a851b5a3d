"""The report inbox as an HTML page; everything that people wrote is escaped."""

import base64
import hashlib
from collections.abc import Sequence
from datetime import datetime
from html import escape

from server.demo.inbox import Report

STYLE = """
:root {
  color-scheme: light dark;
  --page: #f5f6f8; --card: #fff; --line: #e1e4e9; --text: #1b1f26; --soft: #5c6573; --quote: #f3f4f7;
  --bar: #c3c9d3; --tag: #b3261e; --tag-back: #fdeceb; --flag: #c8322a;
}
@media (prefers-color-scheme: dark) {
  :root {
    --page: #14171c; --card: #1c2027; --line: #2d333d; --text: #e7eaef; --soft: #98a2b1; --quote: #242932;
    --bar: #4a5361; --tag: #ffb3ad; --tag-back: #4a201e; --flag: #ff7b72;
  }
}
* { box-sizing: border-box; margin: 0; }
body {
  background: var(--page); color: var(--text); font: 16px/1.5 system-ui, sans-serif;
  max-width: 44rem; margin: 0 auto; padding: 2.5rem 1.25rem 4rem;
}
header { display: flex; align-items: baseline; gap: .75rem; margin-bottom: 1.5rem; }
h1 { font-size: 1.375rem; line-height: 1.25; letter-spacing: -.01em; }
header p { color: var(--soft); margin-left: auto; font-size: .875rem; }
.flag { color: var(--flag); }
article, .empty { background: var(--card); border: 1px solid var(--line); border-radius: .75rem; }
article { padding: 1.125rem 1.25rem 1.25rem; margin-bottom: 1rem; overflow-wrap: anywhere; }
.top { display: flex; align-items: flex-start; justify-content: space-between; gap: 1rem; }
.tag {
  color: var(--tag); background: var(--tag-back); border-radius: 1rem; padding: .125rem .625rem;
  font-size: .8125rem; font-weight: 600;
}
time { color: var(--soft); font-size: .8125rem; padding-top: .125rem; }
time[datetime] { white-space: nowrap; }
.who { margin-top: .75rem; color: var(--soft); }
.who bdi { color: var(--text); }
.person { font-weight: 600; }
blockquote {
  background: var(--quote); border-left: 3px solid var(--bar); border-radius: 0 .5rem .5rem 0;
  margin-top: .75rem; padding: .625rem .875rem; white-space: pre-wrap;
}
.comment { margin-top: .75rem; white-space: pre-wrap; }
.comment b { display: block; color: var(--soft); font-size: .8125rem; font-weight: 400; }
.empty { border-style: dashed; padding: 3.5rem 1.5rem; text-align: center; }
.empty h2 { font-size: 1.125rem; }
.empty p { color: var(--soft); margin-top: .375rem; }
kbd {
  border: 1px solid var(--line); border-bottom-width: 2px; border-radius: .375rem; background: var(--quote);
  color: var(--text); font: .8125rem ui-monospace, monospace; padding: .0625rem .4375rem;
}
"""

_STYLE_HASH = base64.b64encode(hashlib.sha256(STYLE.encode()).digest()).decode()
CONTENT_SECURITY_POLICY = (
    f"default-src 'none'; style-src 'sha256-{_STYLE_HASH}'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)

EMPTY = """<div class="empty">
<h2>No reports yet</h2>
<p>In the terminal: <kbd>↑</kbd> picks a message, <kbd>r</kbd> reports it. It then shows up here.</p>
</div>"""


def render(title: str, reports: Sequence[Report]) -> str:
    """The whole page, newest report first."""
    counted = f"({len(reports)}) " if reports else ""
    cards = "\n".join(map(_card, reports)) or EMPTY
    return f"""<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta http-equiv="refresh" content="2">
<title>{counted}Reports · {escape(title)}</title>
<style>{STYLE}</style>
</head>
<body>
<header>
<h1><span class="flag" aria-hidden="true">⚑</span> Reports</h1>
<p>{escape(title)}{_count(len(reports))}</p>
</header>
<main>
{cards}
</main>
</body>
</html>
"""


def _count(number: int) -> str:
    return f" · {number} report{'s' if number > 1 else ''}" if number else ""


def _card(report: Report) -> str:
    comment = f'<p class="comment" dir="auto"><b>Comment</b>{escape(report.comment)}</p>' if report.comment else ""
    return f"""<article>
<div class="top"><span class="tag">{escape(report.reason)}</span>{_time(report.timestamp)}</div>
<p class="who">{_person(report.from_username)} reported {_person(report.about_username)} {_place(report.channel)}</p>
<blockquote dir="auto">{escape(report.message)}</blockquote>
{comment}
</article>"""


def _person(name: str) -> str:
    return f'<bdi class="person">{escape(name)}</bdi>'


def _place(channel: str) -> str:
    if channel.startswith("@"):
        return "in a direct message"
    return f"in <bdi>#{escape(channel)}</bdi>"


def _time(timestamp: str) -> str:
    """The time of this machine's zone; as it came if it is none that can be read."""
    try:
        at = datetime.fromisoformat(timestamp).astimezone()
    except (ValueError, OverflowError, OSError):
        return f"<time>{escape(timestamp)}</time>"
    return f'<time datetime="{escape(at.isoformat())}">{at.day} {at:%b %Y, %H:%M}</time>'
