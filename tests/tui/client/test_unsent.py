"""What is not sent survives the client: for the same person at the same server, once, and within bounds."""

import asyncio
import stat
import sys
import threading
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from functools import partial
from pathlib import Path

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec import structs

from server.protocol.codes import ErrorCode
from server.protocol.frames import ReportRequest, Say, Withdraw
from tests.support.folding import AT, error, fold, lines, notices, said, state, welcome
from tui.client.entries import Pending
from tui.client.own_reports import GONE, ReportDraft
from tui.client.state import ClientState
from tui.client.unsent import MAX_BYTES, RESEND_WITHIN, TOO_OLD, Unsent, UnsentMessage, collect, restore
from tui.client.unsent_file import Owner, UnsentFile, encoded

ADA, OTHER = Owner("server", "ada"), Owner("server", "eve")


def busy() -> ClientState:
    """Return a state with everything that can be unsent."""
    made = state(said(1), said(2), said(3))
    made.say("to the lobby", "n1")
    made.say("to bob", "n2", "@bob")
    made.say("refused", "n3", "tea")
    fold(made, error(ErrorCode.BAD_MESSAGE, "No.", "n3"))
    made.drafts = {"tea": "half a sen", "@bob": "a secret", "lobby": " \n"}
    first, second, _ = lines(made.timeline)
    made.report(first, ReportDraft("Spam", "Every day", (2,)), "n4")
    made.reports.store_draft(second.msg_id, ReportDraft("Other", "I am not sure"))
    made.reports.withdraw("r9", "n5")
    return made


def stored(unsent: Unsent) -> Unsent:
    """Return what is restored from a file."""
    return msgspec.json.decode(encoded(unsent), type=Unsent)


def list_of(folder: Path) -> list[Path]:
    return list(folder.iterdir())


def own(of: ClientState) -> dict[str, list[Pending]]:
    return {each.id: each.own for each in of.timelines.values() if each.own}


def test_everything_that_is_not_sent_is_restored_under_its_nonce() -> None:
    before, after = busy(), state()
    restore(after, stored(collect(before)))
    assert own(after) == own(before)
    assert after.drafts == {"tea": "half a sen", "@bob": "a secret"}
    assert after.unsent() == before.unsent() == [
        Say("lobby", "to the lobby", "n1"),
        Say("@bob", "to bob", "n2"),
        ReportRequest(1, "Spam", "Every day", "n4", (2,)),
        Withdraw("r9", "n5"),
    ]  # fmt: skip
    assert after.reports.drafts == before.reports.drafts
    assert after.timelines["tea"].has_failed


def test_what_the_server_has_is_not_saved() -> None:
    made = state()
    made.say("hello", "n1")
    fold(made, said(1, "ada", nonce="n1"))
    assert collect(made).is_empty
    assert encoded(collect(made)) == b""


def test_an_old_unsent_message_is_not_sent_without_the_user() -> None:
    after = state()
    recent, old = (
        UnsentMessage("lobby", "text", nonce, AT - RESEND_WITHIN + by)
        for nonce, by in (("n1", timedelta()), ("n2", -timedelta(seconds=1)))
    )
    restore(after, Unsent(epoch="e1", messages=(recent, old)))
    assert [each.failure for each in after.timeline.own] == [TOO_OLD, None]
    assert [each.nonce for each in after.unsent()] == ["n1"]


def test_reports_of_another_numbering_are_lost_and_the_user_is_notified() -> None:
    after = state(welcome("e2"))
    restore(after, stored(collect(busy())))
    assert after.reports.pending == []
    assert after.reports.drafts == {}
    assert GONE in [each.text for each in notices(after.timeline)]
    assert len(after.unsent()) == 2, "messages need no numbering"


def test_text_written_since_stays_below_a_restored_draft() -> None:
    after = state()
    after.drafts = {"tea": "since"}
    restore(after, Unsent(epoch="e1", drafts={"tea": "before"}))
    assert after.drafts == {"tea": "before\nsince"}


@settings(max_examples=30)
@given(st.dictionaries(st.text(max_size=5), st.integers(0, MAX_BYTES // 2), max_size=8))
def test_the_file_of_unsent_texts_is_bounded(sizes: dict[str, int]) -> None:
    made = state()
    made.drafts = {place: "x" * size for place, size in sizes.items()}
    kept = collect(made)
    assert len(encoded(kept)) <= MAX_BYTES + 100 * len(sizes) + 200
    assert kept.drafts.items() <= made.drafts.items()


async def test_another_person_and_another_server_are_shown_nothing(tmp_path: Path) -> None:
    made = busy()
    file = UnsentFile(partial(collect, made), lambda: tmp_path)
    assert file.open(ADA).is_empty
    file.changed()
    await file.close()
    for stranger in (OTHER, Owner("another", "ada"), Owner("", "ada")):
        assert UnsentFile(Unsent, lambda: tmp_path).open(stranger).is_empty
    assert UnsentFile(Unsent, lambda: tmp_path).open(ADA) == collect(made)


@pytest.mark.skipif(sys.platform == "win32", reason="modes are POSIX")
async def test_the_file_is_private_and_removed_once_everything_is_sent(tmp_path: Path) -> None:
    unsent = [Unsent(drafts={"tea": "half"})]
    file = UnsentFile(lambda: unsent[0], lambda: tmp_path / "unsent")
    file.open(ADA)
    await file.close()
    (saved,) = (tmp_path / "unsent").iterdir()
    assert (stat.S_IMODE(saved.stat().st_mode), stat.S_IMODE(saved.parent.stat().st_mode)) == (0o600, 0o700)
    unsent[0] = Unsent()
    await file.close()
    assert list((tmp_path / "unsent").iterdir()) == []


async def test_a_change_is_saved_soon_even_if_the_client_keeps_running(tmp_path: Path) -> None:
    file = UnsentFile(lambda: Unsent(drafts={"tea": "half"}), lambda: tmp_path)
    file.open(ADA)
    file.changed()
    async with asyncio.timeout(20):
        while UnsentFile(Unsent, lambda: tmp_path).open(ADA).drafts != {"tea": "half"}:
            await asyncio.sleep(0.02)


async def test_a_save_that_starts_late_does_not_undo_a_later_one(tmp_path: Path) -> None:
    drafts, may_start = {"tea": "half"}, threading.Event()
    file = UnsentFile(lambda: Unsent(drafts=drafts), lambda: tmp_path)
    file.open(ADA)
    loop = asyncio.get_running_loop()
    loop.set_default_executor(ThreadPoolExecutor(1))
    # The only thread is busy.
    busy = loop.run_in_executor(None, may_start.wait, 20)
    file._begin()
    await asyncio.sleep(0)
    drafts["tea"] = "all of it"
    file.save()
    may_start.set()
    assert await busy
    assert file._writing
    await file._writing
    assert UnsentFile(Unsent, lambda: tmp_path).open(ADA).drafts == drafts


async def test_text_written_before_the_login_is_joined_to_the_saved_text(tmp_path: Path) -> None:
    first = UnsentFile(lambda: Unsent(drafts={"tea": "one"}), lambda: tmp_path)
    await first.close(ADA)
    second = UnsentFile(lambda: Unsent(drafts={"": "two"}), lambda: tmp_path)
    await second.close(ADA)
    third = UnsentFile(Unsent, lambda: tmp_path)
    assert third.remove(ADA).drafts == {"tea": "one", "": "two"}
    assert third.remove(ADA).is_empty


async def test_text_that_is_already_saved_is_not_saved_twice(tmp_path: Path) -> None:
    """As when the user connects again, writes on, and quits before the login."""
    made = busy()
    await UnsentFile(partial(collect, made), lambda: tmp_path).close(ADA)
    made.drafts["tea"] += "tence"
    await UnsentFile(partial(collect, made), lambda: tmp_path).close(ADA)
    assert UnsentFile(Unsent, lambda: tmp_path).open(ADA) == collect(made)


def test_a_draft_that_the_user_continued_before_the_login_is_restored_once() -> None:
    after = state()
    after.drafts = {"tea": "half a sentence"}
    restore(after, Unsent(epoch="e1", drafts={"tea": "half a sen"}))
    assert after.drafts == {"tea": "half a sentence"}


@pytest.mark.parametrize("content", [b"{", b"\xff", encoded(structs.replace(Unsent(drafts={"a": "b"}), version=9))])
async def test_a_file_that_cannot_be_read_is_left_unchanged(content: bytes, tmp_path: Path) -> None:
    writer = UnsentFile(lambda: Unsent(drafts={"tea": "half"}), lambda: tmp_path)
    await writer.close(ADA)
    (file,) = list_of(tmp_path)
    file.write_bytes(content)
    again = UnsentFile(lambda: Unsent(drafts={"tea": "other"}), lambda: tmp_path)
    assert again.open(ADA).is_empty
    await again.close(ADA)
    assert again.problem
    assert file.read_bytes() == content


async def test_a_folder_that_cannot_be_written_is_reported_and_raises_no_error(tmp_path: Path) -> None:
    (tmp_path / "unsent").write_text("")
    file = UnsentFile(lambda: Unsent(drafts={"tea": "half"}), lambda: tmp_path / "unsent")
    file.open(ADA)
    await file.close()
    assert file.problem
    assert "unsent" in file.problem
