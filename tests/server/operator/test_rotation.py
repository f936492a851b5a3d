"""Rotation in the settings file: comments and mode are kept, both secrets sign meanwhile, and none is printed."""

import re
from pathlib import Path

import pytest

from server.operator.printing import CommandError
from server.operator.rotation import rotate
from server.settings import SigningSecret, SigningSecrets, load
from server.webhooks import signature
from tests.support.stored_reports import START

OLD = "whsec_" + "QUJD" * 10
TEXT = f"""# ours
AdminAPIKey = "key" # the key

[[WebhookURLs]]
Name = "report"
Enabled = true
URL = "https://site.example/hooks" # where
Secret = "{OLD}"
"""


@pytest.fixture
def file(tmp_path: Path) -> Path:
    file = tmp_path / "settings.toml"
    file.write_text(TEXT, encoding="utf-8")
    file.chmod(0o600)
    return file


def secrets(file: Path) -> list[SigningSecret]:
    """Return the secrets that sign reports, in order."""
    hook = load(file, {}).settings.webhook("report")
    assert hook
    return list(hook.secret)


def test_a_new_secret_comes_first_and_both_sign_until_the_rotation_is_finished(file: Path) -> None:
    said = rotate(file, "report", finish=False)
    fresh, old = secrets(file)
    assert old == SigningSecret(OLD)
    assert fresh != old
    text = file.read_text(encoding="utf-8")
    assert all(comment in text for comment in ("# ours", "# the key", "# where"))
    assert file.stat().st_mode & 0o777 == 0o600
    assert OLD not in said
    assert "whsec_" not in said
    rotate(file, "report", finish=True)
    assert secrets(file) == [fresh]
    assert OLD not in file.read_text(encoding="utf-8")
    assert [each.name for each in file.parent.iterdir()] == ["settings.toml"]
    assert rotate(file, "report", finish=True) == "report: no rotation is in progress, so nothing was changed"
    assert secrets(file) == [fresh]


def test_a_second_rotation_does_not_remove_the_secret_that_the_site_has(file: Path) -> None:
    rotate(file, "report", finish=False)
    both = secrets(file)
    with pytest.raises(CommandError, match="end it with --finish"):
        rotate(file, "report", finish=False)
    assert secrets(file) == both


def test_a_webhook_without_a_secret_gets_its_first_secret(file: Path) -> None:
    file.write_text(TEXT.replace(f'Secret = "{OLD}"\n', ""), encoding="utf-8")
    with pytest.raises(CommandError, match="without --finish"):
        rotate(file, "report", finish=True)
    rotate(file, "report", finish=False)
    assert len(secrets(file)) == 1


@pytest.mark.parametrize("text", ["", "not = [toml", "[[WebhookURLs]]\nName = 'profile'"])
def test_a_file_without_the_webhook_is_not_changed(file: Path, text: str) -> None:
    file.write_text(text, encoding="utf-8")
    with pytest.raises(CommandError):
        rotate(file, "report", finish=False)
    assert file.read_text(encoding="utf-8") == text


def test_line_ends_and_symbolic_links_are_kept(file: Path) -> None:
    file.write_bytes(TEXT.replace("\n", "\r\n").encode())
    link = file.with_name("link.toml")
    link.symlink_to(file)
    said = rotate(link, "report", finish=False)
    assert link.is_symlink()
    lines = file.read_bytes().split(b"\r\n")
    assert not any(b"\n" in line for line in lines)
    (number,) = (number for number, line in enumerate(lines, 1) if b"Secret" in line)
    assert said.endswith(f"line {number}.")


@pytest.mark.parametrize("mark", [b"", b"\xef\xbb\xbf"], ids=["plain", "byte order mark"])
@pytest.mark.parametrize("end", [b"\n", b"\r\n", b"\r"], ids=["LF", "CRLF", "CR"])
def test_a_file_with_any_line_ends_or_a_byte_order_mark_is_rotated(file: Path, mark: bytes, end: bytes) -> None:
    file.write_bytes(mark + TEXT.encode().replace(b"\n", end))
    assert secrets(file) == [SigningSecret(OLD)]
    rotate(file, "report", finish=False)
    assert secrets(file)[1] == SigningSecret(OLD)
    written = file.read_bytes()
    assert written.startswith(mark + b"# ours")
    assert all(comment in written for comment in (b"# ours", b"# the key", b"# where"))


def test_the_secret_of_one_of_several_webhooks_is_rotated_by_its_id(file: Path) -> None:
    copy = '[[WebhookURLs]]\nName = "report"\nID = "archive"\nEnabled = true\nURL = "https://archive.example/"\n'
    file.write_text(f"{TEXT}\n{copy}", encoding="utf-8")
    rotate(file, "archive", finish=False)
    first, archive = load(file, {}).settings.webhooks("report")
    assert (list(first.secret), len(archive.secret)) == ([SigningSecret(OLD)], 1)


def test_a_list_of_secrets_in_an_inline_table_is_rotated(file: Path) -> None:
    hook = f'{{Name = "report", Enabled = true, URL = "http://h/", Secret = ["{OLD}"]}}'
    file.write_text(f'AdminAPIKey = "key"\nWebhookURLs = [{hook}]\n', encoding="utf-8")
    rotate(file, "report", finish=False)
    assert secrets(file)[1] == SigningSecret(OLD)


def test_a_file_that_would_become_invalid_is_not_changed(file: Path) -> None:
    file.write_text(f"{TEXT}Secrt = 1\n", encoding="utf-8")
    with pytest.raises(CommandError, match="is unchanged"):
        rotate(file, "report", finish=False)
    assert file.read_text(encoding="utf-8") == f"{TEXT}Secrt = 1\n"
    assert [each.name for each in file.parent.iterdir()] == ["settings.toml"]


def test_calls_during_a_rotation_are_signed_with_both_secrets(file: Path) -> None:
    rotate(file, "report", finish=False)
    hook = load(file, {}).settings.webhook("report")
    assert hook
    sent = signature.headers("msg_1", START, b"{}", hook.secret)
    for secret in re.findall(r"whsec_[^\"]+", file.read_text(encoding="utf-8")):
        # Either alone accepts it; what is not signed by it raises.
        own = signature.headers("msg_1", START, b"{}", SigningSecrets([SigningSecret(secret)]))
        assert own["webhook-signature"] in sent["webhook-signature"].split()
