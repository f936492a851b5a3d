"""The page: a terminal that textual-serve's script draws, and what the page may load and do."""

from html import escape

MAX_CLIENTS = 8
"""Pages at a time; each has a client process of its own."""
FULL = f"{MAX_CLIENTS} pages are open, which is the maximum. Close one of them, then reload this one."

STYLE = """
html, body { margin: 0; height: 100%; overflow: hidden; background: #11131a; color: #e7eaef; }
.textual-terminal { width: 100vw; height: 100vh; opacity: 0; }
body.-first-byte .textual-terminal { opacity: 1; }
#closed {
  display: none; position: fixed; inset: auto 0 0 0; z-index: 10; padding: 1rem; gap: 1rem;
  align-items: center; justify-content: center; background: #242932; font: 1rem/1.5 system-ui, sans-serif;
}
body.-closed #closed { display: flex; }
#closed button { padding: .5rem 1rem; border: 0; border-radius: .375rem; font: inherit; cursor: pointer; }
"""

SCRIPT = """"use strict";
document.querySelector("#again").addEventListener("click", () => window.location.reload());
"""

PAGE = """<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width">
<title>Flagpost</title>
<link rel="icon" href="data:,">
<link rel="stylesheet" href="/static/css/xterm.css">
<style>{style}</style>
<script src="/static/js/textual.js"></script>
</head>
<body>
<div id="terminal" class="textual-terminal" data-session-websocket-url="{websocket}" data-font-size="16"></div>
<div id="closed" role="alert">
<span>Disconnected. If {most} other pages are open, close one of them first.</span>
<button type="button" id="again">Connect</button>
</div>
<script src="/page.js"></script>
</body>
</html>
"""


def page(host: str) -> str:
    """Return the page for a request with this Host header, which the caller has checked."""
    return PAGE.format(style=STYLE, websocket=escape(f"ws://{host}/ws"), most=MAX_CLIENTS)


def headers(websocket: str = "") -> dict[str, str]:
    """Return the security headers of a response; `websocket` is the origin to which the page may open a websocket."""
    # Some browsers apply 'self' to http only. xterm.js writes style elements, hence 'unsafe-inline' there.
    connect = f"'self' {websocket}".rstrip()
    return {
        "Content-Security-Policy": (
            "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data:;"
            f" font-src 'self'; connect-src {connect}; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
        ),
        "Cache-Control": "no-store",
        "Cross-Origin-Resource-Policy": "same-origin",
        "Referrer-Policy": "no-referrer",
        "X-Content-Type-Options": "nosniff",
    }
