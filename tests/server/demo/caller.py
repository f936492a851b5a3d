"""The chat server as the demo site sees it: what it posts, and its answer when the site calls back."""

import base64
from datetime import UTC, datetime
from itertools import count

import httpx
import msgspec

from server.demo.chat_server import ChatServer
from server.demo.site import Site
from server.protocol.address import Address
from server.rules.evidence import ContextLine, Evidence
from server.rules.trail import Event, Reported
from server.settings import Secret, SigningSecret, SigningSecrets, WebhookURL
from server.webhooks import signature
from server.webhooks.payloads import report_body

ADDRESS = Address("127.0.0.1", 9080)
KEY = Secret("the key of the site")
SIGNING = SigningSecrets((SigningSecret("whsec_" + base64.b64encode(b"the secret of the signatures").decode()),))
HOOK = WebhookURL("report", evidence=True)
AT = datetime(2026, 11, 24, 8, 46, tzinfo=UTC)


class Caller:
    """A site, a client that posts to it and browses it, and the calls that the site made."""

    def __init__(self, title: str = "The <Harbour>") -> None:
        self.told: list[dict[str, str]] = []
        self.answer = httpx.Response(200, json={"OK": True, "Error": ""})
        self._ids = count(1)
        chat_server = ChatServer(Address("127.0.0.1", 9), KEY, httpx.MockTransport(self._api))
        site = Site(ADDRESS, title, KEY, SIGNING, chat_server)
        self.site = httpx.AsyncClient(transport=httpx.ASGITransport(site.app()), base_url=f"http://{ADDRESS}")

    def _api(self, request: httpx.Request) -> httpx.Response:
        assert (request.method, request.url.path) == ("POST", "/api/report/status")
        self.told.append(msgspec.json.decode(request.content, type=dict[str, str]))
        return self.answer

    async def post(
        self, body: bytes, webhook_id: str = "", at: datetime | None = None, signing: SigningSecrets = SIGNING
    ) -> httpx.Response:
        """Post a signed call, by default with the current time and a new webhook-id."""
        headers = signature.headers(webhook_id or f"msg_{next(self._ids)}", at or datetime.now(UTC), body, signing)
        return await self.site.post("/webhooks", content=body, headers=headers)

    async def tell(
        self, report: Evidence, event: Event | None = None, report_id: str = "rep_1", webhook_id: str = ""
    ) -> None:
        """Post a call about a report, which the site must accept."""
        answer = await self.post(report_body(KEY, HOOK, report_id, report, event or Reported(report)), webhook_id)
        assert (answer.status_code, answer.json()) == (200, {"StatusCode": 200})

    async def listed(self) -> list[dict[str, object]]:
        """Return the content of the inbox."""
        answer = await self.site.get("/reports.json")
        return msgspec.json.decode(answer.content, type=list[dict[str, object]])

    async def page(self, path: str = "/") -> str:
        """Return a page of the site."""
        answer = await self.site.get(path)
        assert answer.status_code == 200
        return answer.text

    async def token(self, report_id: str = "rep_1") -> str:
        """Return the token in the form of a report."""
        page = await self.page(f"/reports/{report_id}")
        return page.partition('name="token" value="')[2].partition('"')[0]


def evidence(
    message: str = "Hm.", *, channel: str = "lobby", comment: str = "", context: tuple[ContextLine, ...] = ()
) -> Evidence:
    """Return the evidence of a report."""
    return Evidence("alice", "Lucky Deals", channel, 7, AT, message, "It's spam", comment, context)
