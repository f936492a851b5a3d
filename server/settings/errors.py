"""Why settings cannot be used."""


class SettingsError(Exception):
    """Settings that cannot be used; the text is one line: where, what, and what to do."""
