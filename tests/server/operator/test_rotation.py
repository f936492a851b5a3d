"""A secret is exchanged in the settings file: comments and mode stay, both sign meanwhile, and nothing is shown."""

from pathlib import Path

import pytest

from server.operator.rotation import rotate
from server.operator.webhooks import UnknownError
from server.settings import SigningSecret, load

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
    """Those that sign reports, in their order."""
    hook = load(file, {}).settings.webhook("report")
    assert hook
    return list(hook.secret)


def test_a_new_secret_comes_first_and_both_sign_until_it_is_finished(file: Path) -> None:
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


def test_a_second_exchange_keeps_no_third_secret(file: Path) -> None:
    rotate(file, "report", finish=False)
    fresh = secrets(file)[0]
    rotate(file, "report", finish=False)
    assert secrets(file)[1] == fresh
    assert len(secrets(file)) == 2


def test_a_webhook_without_a_secret_gets_its_first(file: Path) -> None:
    file.write_text(TEXT.replace(f'Secret = "{OLD}"\n', ""), encoding="utf-8")
    with pytest.raises(UnknownError, match="without --finish"):
        rotate(file, "report", finish=True)
    rotate(file, "report", finish=False)
    assert len(secrets(file)) == 1


@pytest.mark.parametrize("text", ["", "not = [toml", "[[WebhookURLs]]\nName = 'profile'"])
def test_a_file_without_the_webhook_is_left_as_it_is(file: Path, text: str) -> None:
    file.write_text(text, encoding="utf-8")
    with pytest.raises(UnknownError):
        rotate(file, "report", finish=False)
    assert file.read_text(encoding="utf-8") == text
