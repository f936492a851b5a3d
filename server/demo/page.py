"""Renders the pages of the demo site. All text from users is escaped."""

import base64
import hashlib
from collections.abc import Sequence
from html import escape

from server.demo import cards
from server.demo.inbox import Card
from server.http.callbacks import MAX_NOTE_CHARS
from server.protocol.wording import counted

STYLE = """
:root {
  color-scheme: light dark;
  --page: #f5f6f8; --card: #fff; --line: #e1e4e9; --text: #1b1f26; --soft: #5c6573; --quote: #f3f4f7;
  --bar: #c3c9d3; --tag: #b3261e; --tag-back: #fdeceb; --flag: #c8322a; --done: #1a7340; --action: #2456b8;
}
@media (prefers-color-scheme: dark) {
  :root {
    --page: #14171c; --card: #1c2027; --line: #2d333d; --text: #e7eaef; --soft: #98a2b1; --quote: #242932;
    --bar: #4a5361; --tag: #ffb3ad; --tag-back: #4a201e; --flag: #ff7b72; --done: #6fd08c; --action: #8fb6ff;
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
  display: inline-block; color: var(--tag); background: var(--tag-back); border-radius: 1rem; padding: .125rem .625rem;
  font-size: .8125rem; font-weight: 600;
}
time { color: var(--soft); font-size: .8125rem; padding-top: .125rem; }
time[datetime] { white-space: nowrap; }
.who { margin-top: .75rem; color: var(--soft); }
.who bdi { color: var(--text); }
.person { font-weight: 600; }
.line {
  color: var(--soft); font-size: .875rem; margin-top: .5rem; padding-left: calc(1.875rem + 3px); white-space: pre-wrap;
  text-indent: -1rem;
}
.excerpt .line {
  display: -webkit-box; -webkit-box-orient: vertical; -webkit-line-clamp: 2; overflow: hidden; max-height: 2lh;
}
blockquote {
  background: var(--quote); border-left: 3px solid var(--flag); border-radius: 0 .5rem .5rem 0;
  margin-top: .75rem; padding: .625rem .875rem; white-space: pre-wrap;
}
details { margin-top: .75rem; padding-left: calc(.875rem + 3px); }
details .line { padding-left: 1rem; }
summary { color: var(--soft); font-size: .8125rem; cursor: pointer; }
.added .who { margin-top: 0; }
.top .tag { margin-right: .375rem; }
.comment { margin-top: .75rem; white-space: pre-wrap; }
.comment b { display: block; color: var(--soft); font-size: .8125rem; font-weight: 400; }
.added { border-top: 1px solid var(--line); margin-top: 1rem; padding-top: .875rem; }
.more { color: var(--soft); }
.foot { display: flex; align-items: center; gap: .5rem 1rem; flex-wrap: wrap; margin-top: 1rem; font-size: .875rem; }
.foot a { margin-left: auto; }
.state { color: var(--done); font-weight: 600; }
.note { color: var(--soft); margin-top: .375rem; font-size: .875rem; white-space: pre-wrap; }
.problem { color: var(--tag); margin-top: .375rem; font-size: .875rem; }
.withdrawn, .withdrawn .who bdi { color: var(--soft); }
.withdrawn blockquote { border-color: var(--bar); }
.withdrawn .tag { color: var(--soft); background: var(--quote); }
a { color: var(--action); }
label { display: block; font-weight: 600; font-size: .875rem; }
form .hint { color: var(--soft); font-size: .8125rem; }
textarea, button, .open { font: inherit; border: 1px solid var(--bar); border-radius: .5rem; color: var(--text); }
textarea { background: var(--page); width: 100%; margin: .5rem 0 .75rem; padding: .5rem .75rem; resize: vertical; }
button, .open {
  background: var(--card); padding: .375rem 1rem; cursor: pointer; text-decoration: none; font-size: .9375rem;
}
button:hover, .open:hover { border-color: var(--action); }
button.main { background: var(--action); border-color: var(--action); color: var(--card); font-weight: 600; }
:focus-visible { outline: 2px solid var(--action); outline-offset: 2px; }
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
    f"default-src 'none'; style-src 'sha256-{_STYLE_HASH}'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'"
)

EMPTY = """<div class="empty">
<h2>No reports yet</h2>
<p>In the terminal, highlight a message with <kbd>↑</kbd> and report it with <kbd>r</kbd>. It appears here.</p>
</div>"""

_REFRESH = '<meta http-equiv="refresh" content="2">\n'


def inbox(title: str, newest_first: Sequence[Card]) -> str:
    """Render all reports. The page refreshes itself, so it has no forms and nothing to fold."""
    number = len(newest_first)
    total = f" · {counted(number, 'report')}" if number else ""
    content = f"""<header>
<h1><span class="flag" aria-hidden="true">⚑</span> Reports</h1>
<p>{escape(title)}{total}</p>
</header>
<main>
{chr(10).join(map(cards.excerpt, newest_first)) or EMPTY}
</main>"""
    return _page(f"{f'({number}) ' if number else ''}Reports · {escape(title)}", content, _REFRESH)


def report(title: str, card: Card, token: str) -> str:
    """Render a report with its full context, and a form to answer it, which includes the token."""
    content = f"""<header>
<h1><span class="flag" aria-hidden="true">⚑</span> Report</h1>
<p><a href="/">All reports</a></p>
</header>
<main>
{cards.whole(card)}
{_withdrawn(card) if card.withdrawn else _form(card, token)}
</main>"""
    return _page(f"Report · {escape(title)}", content)


def _form(card: Card, token: str) -> str:
    note = escape(card.answer.note) if card.answer else ""
    return f"""<form method="post" action="/reports/{escape(card.report.report_id)}" autocomplete="off">
<input type="hidden" name="token" value="{escape(token)}">
<label for="note">Note to the reporter <span class="hint">(optional)</span></label>
<textarea id="note" name="note" rows="3" maxlength="{MAX_NOTE_CHARS}">{note}</textarea>
<button name="status" value="seen">Seen</button>
<button name="status" value="resolved" class="main">Resolved</button>
</form>"""


def _withdrawn(card: Card) -> str:
    return f'<p class="note"><bdi>{escape(card.report.from_username)}</bdi> withdrew this report.</p>'


def _page(title: str, content: str, head: str = "") -> str:
    """Render a page; title and content are HTML."""
    return f"""<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
{head}<title>{title}</title>
<style>{STYLE}</style>
</head>
<body>
{content}
</body>
</html>
"""
