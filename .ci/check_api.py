"""Checks the calls below /api/ of a real server against docs/openapi.json: check_api.py SCHEMATHESIS

SCHEMATHESIS is the path of that program. Request bodies have the real key, so that calls that need it are tried, too.
"""

import json
import re
import subprocess
import sys
import tempfile
from pathlib import Path

DOCUMENT = Path(__file__).parents[1] / "docs" / "openapi.json"
KEY, SECRET = "a key of the site, for this check", "a secret of the site, of 32 bytes"
SETTINGS = f"""
AdminAPIKey = "{KEY}"
Database = "room.sqlite"
[Limits]
RequestsPerMinute = 0
[JWT]
Enabled = true
Strict = false
SecretKey = "{SECRET}"
[[WebhookURLs]]
Name = "report"
Enabled = true
URL = "http://127.0.0.1:9/"
"""
CHECKS = "not_a_server_error,status_code_conformance,content_type_conformance,response_schema_conformance"
LIMITS = ("--max-examples", "10", "--max-time", "20", "--seed", "1", "--no-shrink", "--warnings", "off")


def main() -> int:
    """Return the exit code."""
    with tempfile.TemporaryDirectory() as name:
        directory = Path(name)
        (directory / "settings.toml").write_text(SETTINGS)
        document = json.loads(DOCUMENT.read_text())
        # This call would end the server.
        del document["paths"]["/api/shutdown"]
        for schema in document["components"]["schemas"].values():
            if "APIKey" in schema.get("properties", {}):
                schema["properties"]["APIKey"] = {"enum": [KEY]}
        (directory / "openapi.json").write_text(json.dumps(document))
        server = subprocess.Popen(
            [sys.executable, "-m", "server", "--settings", "settings.toml", "--address", "127.0.0.1:0", "--child"],
            cwd=directory,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        try:
            url = server.stdout.readline().split()[-1].replace("ws://", "http://").removesuffix("/ws")
            command = [sys.argv[1], "run", "openapi.json", "--url", url, "--checks", CHECKS]
            command += ["--phases", "coverage,fuzzing", *LIMITS]
            done = subprocess.run(command, cwd=directory, stdout=subprocess.PIPE, text=True)
            print(done.stdout)
            # It also succeeds if the time limit leaves no time for a single case.
            return done.returncode or int(not re.search(r"[1-9]\d* generated", done.stdout))
        finally:
            server.stdin.close()
            server.wait(20)


if __name__ == "__main__":
    sys.exit(main())
