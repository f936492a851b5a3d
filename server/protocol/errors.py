"""The root and the kinds of Flagpost's errors; the module that raises an error defines it.

FlagpostError
    OneLineError
        AddressError            the client's server address
        CommandError            a command of the administrator
        EditorError             the user's editor
        FileError               a file of the client's user
        LineError               a line typed in line mode
        ListenError             the server's own address
        LocalServerError        the server that a client starts
        NameRefusedError        the user's name
        NoServerError           the server that a client connects to
        NodeError               a node of the demo
        PostgresError           the PostgreSQL that the demo starts
        ProxyFault              the proxy of the client's environment
        SettingsError           the server's settings
        StartError              how the client was started
        StorageError            the server's database
            FencedError         other servers have removed this one
    Verdict
        BadFrame                over the websocket
        BadPageMessage          from the page of the client in a browser
        BadToken                a member's token
        Refusal                 by a rule of the room
            SignInRefused       of a login without a usable token
        RefusedCall             a webhook call to the demo's site
        RefusedRequest          over HTTP
    ForbiddenTargetError        the address of a webhook's host
    PatternError                a phrase of a filter
    Rehearsed                   a migration that is only tried
    RenderError                 a message as HTML
    TomlError                   a file in TOML
    TrailError                  the trail of reports
    UnreadableError             JSON from the site
    Unreachable                 the site of a webhook
    WebhookError                a webhook call
"""


class FlagpostError(Exception):
    """Root of all errors that Flagpost defines."""


class OneLineError(FlagpostError):
    """One line for the user or the administrator: what happened, then what to do. A program prints it and ends."""


class Verdict(FlagpostError):  # noqa: N818 - an answer, not a failure
    """Rejected input: the sender receives the text as the answer, and the program continues."""
