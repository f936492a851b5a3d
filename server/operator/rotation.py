"""Exchanging the secret that signs a webhook, in the settings file and nowhere else."""

import base64
import os
import secrets
from pathlib import Path
from tempfile import NamedTemporaryFile

import tomlkit
from tomlkit.exceptions import TOMLKitError

from server.operator.webhooks import UnknownError
from server.settings import SigningSecret

SECRET_BYTES = 32


def rotate(file: Path, name: str, *, finish: bool) -> str:
    """Put a fresh secret before the old ones, or with `finish` keep the first one alone. UnknownError.

    Comments, order and mode of the file stay; a server takes it at its next start. The secret is not shown.
    """
    try:
        document = tomlkit.parse(file.read_text(encoding="utf-8"))
    except (OSError, TOMLKitError) as error:
        raise UnknownError(f"{file} cannot be read: {error}") from None
    hooks = document.get("WebhookURLs", [])
    hook = next((each for each in hooks if each.get("Name") == name), None)
    if hook is None:
        raise UnknownError(f'{file} has no webhook {name!r}; add it with `Name = "{name}"` first')
    written = hook.get("Secret", "")
    old = [written] if isinstance(written, str) else list(written)
    if finish:
        kept = [secret for secret in old if secret][:1]
    else:
        fresh = SigningSecret.PREFIX + base64.b64encode(secrets.token_bytes(SECRET_BYTES)).decode()
        kept = [fresh, *(secret for secret in old if secret)][:2]
    if not kept:
        raise UnknownError(f"webhook {name!r} has no secret yet; run without --finish")
    hook["Secret"] = kept[0] if len(kept) == 1 else kept
    _replace(file, tomlkit.dumps(document))
    if finish:
        return f"{name}: the first secret of [[WebhookURLs]] in {file} signs alone from the server's next start"
    return (
        f"{name}: a new secret stands first in [[WebhookURLs]] in {file}. Give it to the site and restart the server;"
        f" both sign then. Once the site has it: `webhook rotate {name} --finish`, and restart again"
    )


def _replace(file: Path, text: str) -> None:
    """All of it or nothing, with the mode of before."""
    target = file.resolve()
    with NamedTemporaryFile("w", encoding="utf-8", dir=target.parent, delete=False) as new:
        new.write(text)
        new.flush()
        os.fsync(new.fileno())
    path = Path(new.name)
    path.chmod(target.stat().st_mode & 0o7777)
    path.replace(target)
