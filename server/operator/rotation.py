"""Rotates the signing secret of a webhook in the settings file."""

import base64
import codecs
import os
import re
import secrets
import stat
from pathlib import Path

import tomlkit
from tomlkit.exceptions import TOMLKitError

from server.operator.printing import CommandError
from server.protocol.replacing import replacing
from server.settings import SettingsError, SigningSecret, parse

SECRET_BYTES = 32


def rotate(file: Path, name: str, *, finish: bool) -> str:
    """Add a new secret before the current one, or with `finish` remove all but the first. Raises CommandError.

    Preserves comments, order, mode and owner of the file. A server applies the change after `reload`, or at its next
    start. Returns what was done, without any secret.
    """
    document, mark = _read(file)
    hooks = document.get("WebhookURLs", [])
    hook = next((each for each in hooks if (each.get("ID") or each.get("Name")) == name), None)
    if hook is None:
        raise CommandError(f'{file} has no webhook {name}; add it with `Name = "{name}"` first')
    written = hook.get("Secret", "")
    present = [str(secret) for secret in ([written] if isinstance(written, str) else written) if secret]
    kept = _rotated(name, present, finish=finish)
    if kept == present:
        return f"{name}: no rotation is in progress, so nothing was changed"
    hook["Secret"] = kept[0] if len(kept) == 1 else kept
    text = tomlkit.dumps(document)
    _replace(file, text, mark)
    line = next(number for number, line in enumerate(text.split("\n"), 1) if kept[0] in line)
    return f"{name}: {_advice(name, finish=finish, alone=len(kept) == 1)}. The secret is in {file}, line {line}."


def _read(file: Path) -> tuple[tomlkit.TOMLDocument, bytes]:
    """Return the settings and the byte order mark of a file, if it has one. Raises CommandError."""
    try:
        content = file.read_bytes()
        # Some editors put a byte order mark first, which the server skips.
        mark = codecs.BOM_UTF8 if content.startswith(codecs.BOM_UTF8) else b""
        # The server also accepts lines that end in CR alone; TOML does not.
        return tomlkit.parse(re.sub(r"\r(?!\n)", "\n", content.removeprefix(mark).decode())), mark
    except (OSError, UnicodeDecodeError, TOMLKitError) as error:
        raise CommandError(f"{file} cannot be read: {error}; correct that first") from None


def _rotated(name: str, present: list[str], *, finish: bool) -> list[str]:
    """Return the secrets after this step of a rotation, the one to sign with first. Raises CommandError."""
    if len(present) > 1 and not finish:
        raise CommandError(
            f"a rotation of {name} is in progress; once the site has the new secret, end it with --finish"
        )
    kept = present[:1] if finish else [_fresh(), *present]
    if not kept:
        raise CommandError(f"webhook {name} has no secret yet; run this without --finish to create one")
    return kept


def _advice(name: str, *, finish: bool, alone: bool) -> str:
    if finish:
        return "the old secret was removed; run `reload` to apply it"
    if alone:
        return "its first secret was created; give it to the site, then run `reload` to start signing"
    return (
        "a new secret was added before the old one; run `reload` to sign with both; give the new one to the"
        f" site; then run `webhook rotate {name} --finish`, and `reload` again"
    )


def _fresh() -> str:
    return SigningSecret.PREFIX + base64.b64encode(secrets.token_bytes(SECRET_BYTES)).decode()


def _replace(file: Path, text: str, mark: bytes) -> None:
    """Replace the file atomically, keeping mode and owner. Raises CommandError."""
    try:
        parse(text, os.environ)
    except SettingsError as error:
        raise CommandError(f"{file} is unchanged, because with the new secret it would not be valid: {error}") from None
    # Replace the target of a symbolic link, not the link.
    target = file.resolve()
    try:
        before = target.stat()
        with replacing(target) as draft:
            draft.write(mark + text.encode())
            if hasattr(os, "fchown"):
                # A server that runs as another user must still be able to read it.
                os.fchown(draft.fileno(), before.st_uid, before.st_gid)
                os.fchmod(draft.fileno(), stat.S_IMODE(before.st_mode))
    except OSError as error:
        raise CommandError(f"{file} cannot be written: {error.strerror}; run this as a user who can write it") from None
