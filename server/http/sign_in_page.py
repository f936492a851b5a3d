"""The page to which a site sends its members with a token (`GET /?jwt=TOKEN`). It shows a command line to copy.

The token must not be left anywhere: the page is never cached, removes the token from the address bar and the history,
loads nothing and sends no referrer, and queries are never logged.
"""

import base64
import hashlib
import html
from http import HTTPStatus

from starlette.requests import Request
from starlette.responses import HTMLResponse, Response
from starlette.routing import Route

from server.handlers.dispatch import Dispatcher
from server.rules import tokens
from server.rules.requests import RefusedRequest
from server.rules.tokens import BadToken

STYLE = (
    "body{font:1rem/1.5 system-ui,sans-serif;max-width:44rem;margin:3rem auto;padding:0 1rem;color-scheme:light dark}"
    "pre{padding:.8rem;border:1px solid;border-radius:.3rem;white-space:pre-wrap;overflow-wrap:anywhere}"
    "button{font:inherit;padding:.3rem 1rem}"
)
SCRIPT = (
    'history.replaceState(null,"",location.pathname);'
    'for(const button of document.querySelectorAll("button")){button.hidden=false;'
    "button.onclick=()=>navigator.clipboard.writeText(document.getElementById(button.value).textContent)"
    '.then(()=>{button.textContent="Copied"})}'
)
PAGE = """<!doctype html>
<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width">
<meta name="referrer" content="no-referrer"><title>{title}</title><style>{style}</style></head>
<body><h1>{title}</h1>
{content}
<script>{script}</script></body></html>
"""
WELCOME = """<p>Welcome, {name}. Within five minutes, paste this line into a terminal:</p>
<pre id="line">{line}</pre><p><button value="line" hidden>Copy the line</button></p>
<p>Or run <code>flagpost --sign-in {server}</code>, which also works on Windows, and paste this link when asked:</p>
<pre id="link">{link}</pre><p><button value="link" hidden>Copy the link</button></p>
<p>Anyone who has the line or the link can log in as you, so keep both secret. To get new ones, open the chat from
your site again.</p>"""
REFUSED = "<p>{why}</p>"


def _hash(text: str) -> str:
    return f"'sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()}'"


HEADERS = {
    "Cache-Control": "no-store",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
    "Content-Security-Policy": f"default-src 'none'; style-src {_hash(STYLE)}; script-src {_hash(SCRIPT)};"
    " base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
}


class SignInPage:
    """Handler of the sign-in page."""

    def __init__(self, dispatcher: Dispatcher) -> None:
        self._dispatcher = dispatcher

    @property
    def route(self) -> Route:
        return Route("/", self._page)

    async def _page(self, request: Request) -> Response:
        live = self._dispatcher.live
        if not live.sign_in.enabled:
            raise RefusedRequest(HTTPStatus.NOT_FOUND, f"{HTTPStatus.NOT_FOUND.phrase}.")
        token = request.query_params.get("jwt", "")
        try:
            name = tokens.member(tokens.verify(token, live.sign_in.secret_key.reveal())).name
        except BadToken:
            return self._refuse(tokens.EXPIRED if token else tokens.REQUIRED)
        server = _server_of(request, encrypted=live.encrypted)
        link = f"{server.replace('ws', 'http', 1)}/?jwt={token}"
        words = {"name": name, "line": f" FLAGPOST_TOKEN={token} flagpost {server}", "server": server, "link": link}
        return self._response(WELCOME.format_map({key: html.escape(word) for key, word in words.items()}))

    def _refuse(self, why: str) -> Response:
        page = self._dispatcher.live.welcome.landing_page
        content = REFUSED.format(why=html.escape(why))
        if page.startswith(("https://", "http://")):
            content += f'<p><a href="{html.escape(page)}">{html.escape(page)}</a></p>'
        return self._response(content, HTTPStatus.FORBIDDEN)

    def _response(self, content: str, status: HTTPStatus = HTTPStatus.OK) -> Response:
        title = html.escape(self._dispatcher.live.welcome.title)
        page = PAGE.format(title=title, style=STYLE, script=SCRIPT, content=content)
        return HTMLResponse(page, status, HEADERS)


def _server_of(request: Request, *, encrypted: bool) -> str:
    """Return the address at which the member's browser reached this server; `check_host` has verified its host."""
    secure = encrypted or request.headers.get("x-forwarded-proto", "") == "https"
    return f"{'wss' if secure else 'ws'}://{request.headers.get('host', '')}"
