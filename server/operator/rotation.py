"""Exchanging the secret that signs a webhook, in the settings file and nowhere else."""

import base64
import os
import secrets
import stat
from pathlib import Path

import tomlkit
from tomlkit.exceptions import TOMLKitError

from server.operator.errors import CommandError
from server.settings import SettingsError, SigningSecret, parse

SECRET_BYTES = 32


def rotate(file: Path, name: str, *, finish: bool) -> str:
    """Put a fresh secret before the present one, or with `finish` keep the first one alone. CommandError.

    Comments, order, mode and owner of the file stay; a server takes it upon SIGHUP, or at its next start. No secret
    is shown.
    """
    try:
        document = tomlkit.parse(file.read_bytes().decode())
    except (OSError, UnicodeDecodeError, TOMLKitError) as error:
        raise CommandError(f"{file} cannot be read: {error}") from None
    hook = next((each for each in document.get("WebhookURLs", []) if each.get("Name") == name), None)
    if hook is None:
        raise CommandError(f'{file} has no webhook {name!r}; add it with `Name = "{name}"` first')
    written = hook.get("Secret", "")
    present = [str(secret) for secret in ([written] if isinstance(written, str) else written) if secret]
    if len(present) > 1 and not finish:
        raise CommandError(
            f"an exchange of {name!r} is under way; once the site has the new secret, end it by --finish"
        )
    kept = present[:1] if finish else [_fresh(), *present]
    if not kept:
        raise CommandError(f"webhook {name!r} has no secret yet; run it without --finish to make one")
    hook["Secret"] = kept[0] if len(kept) == 1 else kept
    text = tomlkit.dumps(document)
    _replace(file, text)
    line = next(number for number, line in enumerate(text.split("\n"), 1) if kept[0] in line)
    return f"{name}: {_advice(name, finish=finish, alone=len(kept) == 1)}. It stands in {file}, line {line}."


def _advice(name: str, *, finish: bool, alone: bool) -> str:
    if finish:
        return "the newest secret signs alone once the server has got SIGHUP, or was restarted"
    if alone:
        return "its first secret is made; give it to the site, then send the server SIGHUP, and it signs from then on"
    return (
        "a new secret is made and stands first; send the server SIGHUP, and both sign; give the new one to the site;"
        f" then `webhook rotate {name} --finish`, and SIGHUP again"
    )


def _fresh() -> str:
    return SigningSecret.PREFIX + base64.b64encode(secrets.token_bytes(SECRET_BYTES)).decode()


def _replace(file: Path, text: str) -> None:
    """All of it or nothing, with the mode and owner of before. CommandError."""
    try:
        parse(text, os.environ)
    except SettingsError as error:
        raise CommandError(f"{file} is left as it is: with the new secret it could not be used: {error}") from None
    # What a link leads to, not the link.
    target = file.resolve()
    fresh = target.with_name(f".{target.name}.{secrets.token_hex(4)}")
    try:
        before = target.stat()
        fresh.touch(0o600, exist_ok=False)
        with fresh.open("wb") as new:
            new.write(text.encode())
            new.flush()
            os.fsync(new.fileno())
        if hasattr(os, "chown"):
            # Or a server that runs as somebody else could not read it any more.
            os.chown(fresh, before.st_uid, before.st_gid)
        fresh.chmod(stat.S_IMODE(before.st_mode))
        fresh.replace(target)
    except OSError as error:
        fresh.unlink(missing_ok=True)
        raise CommandError(f"{file} cannot be written: {error.strerror}") from None
