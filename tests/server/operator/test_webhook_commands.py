"""The administrator's view of webhooks and deliveries, and the commands for them."""

import msgspec
import pytest

from server.operator import webhook_commands
from server.operator.printing import CommandError
from server.protocol.codes import ReportState
from server.rules.retries import DeliveryState, Result
from server.settings import ApiKeys, Settings, SigningSecret, SigningSecrets, WebhookURL
from server.storage import webhook_state
from tests.support.stored_reports import ACCEPTED, FAILED, TERMS, Desk

URL = "https://user:password@site.example:8443/secret-path?token=1"
SECRETS = SigningSecrets([SigningSecret("whsec_" + "QUJD" * 10)])
SETTINGS = Settings(
    admin_api_key=ApiKeys("key"),
    webhook_urls=(
        WebhookURL("report", enabled=True, url=URL, evidence=True, secret=SECRETS),
        WebhookURL("profile", url=URL),
    ),
)


@pytest.fixture
def desk() -> Desk:
    return Desk()


def rows(text: str) -> list[list[str]]:
    """Return the cells of a table."""
    return [[cell.strip() for cell in line.split("  ") if cell.strip()] for line in text.split("\n")]


def test_webhooks_are_listed_with_only_their_host(desk: Desk) -> None:
    desk.submit()
    listed = webhook_commands.listed(SETTINGS, desk.connection)
    _, report, profile = rows(listed)
    assert report[:7] == ["report", "yes", "site.example", "yes", "yes", "ok", "1"]
    assert report[8:] == ["0", "-"]
    assert profile == ["profile", "no", "site.example", "no", "no", *"-----"]
    assert not any(word in listed for word in ("password", "token", "secret-path", "whsec"))
    assert webhook_commands.listed(Settings(), desk.connection) == "The settings have no webhooks."


def test_the_state_of_a_webhook_is_listed(desk: Desk) -> None:
    def state() -> str:
        return webhook_commands.listed(SETTINGS, desk.connection).split("\n")[1]

    desk.submit()
    desk.try_next(FAILED)
    assert "1 failed in a row" in state()
    assert "status 500, " in state()
    webhook_state.pause(desk.connection, "report", "the site answered 410 (Gone)\x1b[2J")
    assert "paused: the site answered 410 (Gone)\ufffd[2J" in state()
    far = desk.now + 10**12
    desk.connection.execute("UPDATE webhook SET paused = '', failures = 7, opened_at = 1, open_until = ?", (far,))
    assert "7 failed in a row, next probe at 2058-08-02 13:46:40Z" in state()


def test_deliveries_are_listed_newest_first_or_only_failed_ones(desk: Desk) -> None:
    assert webhook_commands.deliveries(desk.connection, failed=False, limit=5) == "No deliveries yet."
    for number, result in enumerate((ACCEPTED, FAILED, Result(410, "gone", "status 410"))):
        desk.submit(number)
        (claim,) = desk.claim(room=1)
        desk.note(claim, result)
    desk.submit(9)
    assert webhook_commands.deliveries(desk.connection, failed=False, limit=5).count("when resumed") == 3
    desk.connection.execute("DELETE FROM webhook")
    _, *found = rows(webhook_commands.deliveries(desk.connection, failed=False, limit=5))
    assert [row[3] for row in found] == [
        DeliveryState.WAITING,
        DeliveryState.WAITING,
        DeliveryState.WAITING,
        DeliveryState.DELIVERED,
    ]
    assert [row[-1] for row in found] == ["-", "status 410", "status 500", "status 200"]
    _, *failed = rows(webhook_commands.deliveries(desk.connection, failed=True, limit=5))
    assert [row[0] for row in failed] == [row[0] for row in found[1:3]]
    assert len(rows(webhook_commands.deliveries(desk.connection, failed=False, limit=2))) == 3


def given_up(desk: Desk) -> str:
    """Return the ID of a delivery that was given up."""
    report = desk.submit()
    desk.fail_until_given_up()
    assert desk.find(report.id).status is ReportState.GIVEN_UP
    return str(desk.values("SELECT id FROM delivery")[0])


def test_a_replay_has_a_full_retry_schedule(desk: Desk) -> None:
    delivery_id = given_up(desk)
    desk.connection.execute("DELETE FROM webhook")
    assert "is being resent" in webhook_commands.replay(SETTINGS, desk.connection, delivery_id)
    assert desk.values("SELECT state || attempts FROM delivery") == ["waiting0"]


def test_a_replay_says_when_it_has_to_wait(desk: Desk) -> None:
    delivery_id = given_up(desk)
    webhook_commands.pause(SETTINGS, desk.connection, "report")
    assert "webhook resume report" in webhook_commands.replay(SETTINGS, desk.connection, delivery_id)
    assert "is enabled" in webhook_commands.replay(Settings(), desk.connection, delivery_id)


def test_a_withdrawn_report_is_not_sent_again(desk: Desk) -> None:
    report = desk.submit()
    desk.withdraw(report.id)
    (delivery_id,) = desk.values("SELECT id FROM delivery")
    with pytest.raises(CommandError, match="withdrawn by its reporter"):
        webhook_commands.replay(SETTINGS, desk.connection, str(delivery_id))
    assert desk.values("SELECT state FROM delivery") == ["cancelled"]


def test_an_unknown_name_is_answered_with_the_known_ones(desk: Desk) -> None:
    delivery_id = given_up(desk)
    with pytest.raises(CommandError, match=rf"no delivery msg_x\ufffd; the latest are: {delivery_id}"):
        webhook_commands.replay(SETTINGS, desk.connection, "msg_x\x1b")
    with pytest.raises(CommandError, match="use one of: report, profile"):
        webhook_commands.pause(SETTINGS, desk.connection, "repotr")
    with pytest.raises(CommandError, match="no queue to pause"):
        webhook_commands.pause(SETTINGS, desk.connection, "profile")
    with pytest.raises(CommandError, match="has no URL"):
        webhook_commands.test(Settings(webhook_urls=(WebhookURL("report"),)), "report")


def test_a_replay_sends_only_reports_that_are_open() -> None:
    """A withdrawn report is not sent again, but its withdrawal is, unless the report was opened again since."""
    desk = Desk(TERMS._replace(evidence=True))
    report = desk.submit()
    desk.try_next(ACCEPTED)
    desk.withdraw(report.id)
    desk.try_next(ACCEPTED)
    told, withdrawal = map(str, desk.values("SELECT id FROM delivery ORDER BY seq"))
    with pytest.raises(CommandError, match="withdrawn by its reporter"):
        webhook_commands.replay(SETTINGS, desk.connection, told)
    assert "is being resent" in webhook_commands.replay(SETTINGS, desk.connection, withdrawal)
    desk.try_next(ACCEPTED)
    desk.submit(add=True)
    desk.try_next(ACCEPTED)
    with pytest.raises(CommandError, match="is no longer withdrawn"):
        webhook_commands.replay(SETTINGS, desk.connection, withdrawal)
    assert desk.next_due() is None
    assert "is being resent" in webhook_commands.replay(SETTINGS, desk.connection, told)


def test_several_webhooks_with_one_name_are_listed_and_paused_by_their_id(desk: Desk) -> None:
    copy = WebhookURL("report", id="archive", enabled=True, url="https://archive.example/")
    settings = msgspec.structs.replace(SETTINGS, webhook_urls=(*SETTINGS.webhook_urls, copy))
    said = webhook_commands.pause(settings, desk.connection, "archive")
    assert said == "archive is paused; reports are stored until you run `webhook resume archive`"
    _, first, _, last = rows(webhook_commands.listed(settings, desk.connection))
    assert (first[0], first[5]) == ("report", "ok")
    assert (last[0], last[2]) == ("archive (report)", "archive.example")
    assert last[5] == "paused: requested by an administrator"
    webhook_commands.resume(settings, desk.connection, "archive")
    with pytest.raises(CommandError, match="use one of: report, profile, archive"):
        webhook_commands.pause(settings, desk.connection, "other")
