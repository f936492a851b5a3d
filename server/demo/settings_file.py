"""The settings of the demo's room, in a file as an administrator writes them."""

import base64
import secrets
from pathlib import Path

import msgspec
import tomlkit

from server.demo.script import CHANNELS, TITLE
from server.settings import SigningSecret


def write(directory: Path, site: str, database: str) -> Path:
    """Write the settings of a room with this site and database; return the path."""
    signing = f"{SigningSecret.PREFIX}{base64.b64encode(secrets.token_bytes(32)).decode()}"
    webhook = {"Enabled": True, "URL": f"{site}/webhooks", "Secret": signing}
    tables = {
        "Title": TITLE,
        "WebsiteURL": f"{site}/",
        "Database": database,
        "AdminAPIKey": secrets.token_urlsafe(32),
        "PublicChannels": msgspec.to_builtins(CHANNELS),
        "WebhookURLs": [{"Name": "report", "Evidence": True, **webhook}, {"Name": "profile", **webhook}],
    }
    file = directory / "settings.toml"
    file.write_text(tomlkit.dumps(tables), encoding="utf-8")
    return file
