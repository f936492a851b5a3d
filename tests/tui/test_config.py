"""The configuration reports what it cannot use, applies the rest, and loses nothing when it is saved."""

from pathlib import Path

import pytest
from msgspec import structs

from tui.config import VARIABLE, Channel, Config, Hours, Level, load, place
from tui.config_saving import save
from tui.files import FileError

WHOLE = """# mine
theme = "nord"  # blue
compact = true

[channels.lobby]
notices = "none"

[channels]
"@bob" = { notices = "all" }

[keys]
messages.report = "f3"
"""


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "config.toml"


def write(file: Path, text: str) -> Path:
    file.write_text(text, encoding="utf-8")
    return file


def test_without_a_file_the_defaults_apply(file: Path) -> None:
    loaded = load(file)
    assert (loaded.config, loaded.problems, loaded.file) == (Config(), (), file)


def test_the_environment_can_name_another_file(monkeypatch: pytest.MonkeyPatch, file: Path) -> None:
    monkeypatch.setenv(VARIABLE, str(file))
    assert place() == file
    monkeypatch.delenv(VARIABLE)
    assert place().parts[-2:] == ("flagpost", "config.toml")


def test_a_channel_has_its_own_level_or_the_general_one() -> None:
    config = Config(notices=Level.MENTIONS, channels={"lobby": Channel(notices=Level.NONE), "tea": Channel()})
    assert [config.level(each, "wss://a") for each in ("lobby", "tea", "@bob")] == [
        Level.NONE,
        Level.MENTIONS,
        Level.MENTIONS,
    ]


def test_every_setting_of_a_file_is_read(file: Path) -> None:
    loaded = load(write(file, WHOLE))
    assert loaded.problems == ()
    assert (loaded.config.theme, loaded.config.compact, loaded.config.time) == ("nord", True, Hours.H24)
    assert loaded.config.level("lobby", "") is Level.NONE
    assert loaded.config.keys == {"messages.report": "f3"}


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("compcat = true", 'compcat: there is no such setting; did you mean "compact"?'),
        ("x = 1", "x: there is no such setting; the settings are name, server, theme,"),
        ('compact = "yes"', 'compact: "yes" cannot be used; write true or false'),
        ('time = "13h"', 'time: "13h" cannot be used; write "24h" or "12h"'),
        ("theme = 3", "theme: 3 cannot be used; write text in quotes"),
        ("name = [1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14]", "name: [1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12,…"),
        ('name = "\\u001b[2J"\nserver = {a = "\\u202e"}', "server: "),
        ('channels.lobby.notices = "loud"', 'channels.lobby.notices: "loud" cannot be used; write "all" or "mentions"'),
        ("channels.lobby.colour = 1", "channels.lobby.colour: there is no such setting"),
        ("channels.lobby = 1", "channels.lobby: 1 cannot be used; write a table"),
        ("channels = 1", "channels: 1 cannot be used; write tables"),
        ("keys.messages.report = 3", "keys.messages.report: 3 cannot be used; write keys in quotes"),
        ("keys = 2020-01-01", 'keys: "2020-01-01" cannot be used; write keys in quotes'),
    ],
)
def test_a_fault_is_named_in_one_line_and_the_rest_applies(file: Path, text: str, problem: str) -> None:
    loaded = load(write(file, f'notices = "none"\n{text}\n'))
    [line] = loaded.problems
    assert line.startswith(f"{file}: {problem}")
    assert line.isprintable()
    assert loaded.config.notices is Level.NONE


def test_each_fault_has_a_line_of_its_own(file: Path) -> None:
    assert len(load(write(file, 'a = 1\nb = 2\ntime = "x"\n[channels.lobby]\nc = 3\n[keys]\nd = 4')).problems) == 5


@pytest.mark.parametrize(
    "content",
    [b'theme = "nord', b'theme = "\xff"', b"a = " + b"[" * 1000, b"a = " + b"9" * 5000],
    ids=["syntax", "encoding", "nested", "digits"],
)
def test_a_file_that_cannot_be_read_is_reported_and_never_overwritten(file: Path, content: bytes) -> None:
    file.write_bytes(content)
    loaded = load(file)
    assert len(loaded.problems) == 1
    assert "the defaults apply" in loaded.problems[0]
    with pytest.raises(FileError, match="nothing was written"):
        save(file, Config(), Config(compact=True))
    assert file.read_bytes() == content


def test_a_number_too_large_to_show_is_a_problem(file: Path) -> None:
    [problem] = load(write(file, f"name = 0x{'f' * 5000}")).problems
    assert "too many digits; the defaults apply" in problem


@pytest.mark.parametrize(
    ("before", "after"),
    [
        (b"\xef\xbb\xbfcompact = false\n", b'\xef\xbb\xbfcompact = true\nname = "ada"\n'),
        (b"# mine\r\ncompact = false\r\n", b'# mine\r\ncompact = true\r\nname = "ada"\r\n'),
        (b"\xef\xbb\xbf# mine\r\n", b'\xef\xbb\xbf# mine\r\nname = "ada"\r\ncompact = true\r\n'),
        (b"# mine\r\n# odd\n", b'# mine\r\n# odd\nname = "ada"\ncompact = true\n'),
    ],
)
def test_byte_order_marks_and_windows_line_ends_stay(file: Path, before: bytes, after: bytes) -> None:
    file.write_bytes(before)
    loaded = load(file)
    assert loaded.problems == ()
    save(file, loaded.config, structs.replace(loaded.config, compact=True, name="ada"))
    assert file.read_bytes() == after


def test_a_change_leaves_everything_else_unchanged(file: Path) -> None:
    text = '# mine\ntheme = "nord"  # blue\nunknown = 1\n\n[channels.lobby]\nnotices = "none" # loud\nmore = 2\n'
    before = load(write(file, text)).config
    tea = Channel(notices=Level.ALL)
    save(file, before, structs.replace(before, theme="dracula", name="ada", channels={**before.channels, "@Inés": tea}))
    assert file.read_text(encoding="utf-8") == (
        '# mine\ntheme = "dracula"  # blue\nunknown = 1\nname = "ada"\n\n'
        '[channels.lobby]\nnotices = "none" # loud\nmore = 2\n\n[channels."@Inés"]\nnotices = "all"\n'
    )


def test_a_channel_can_return_to_the_general_level(file: Path) -> None:
    before = load(write(file, WHOLE)).config
    save(file, before, structs.replace(before, channels={**before.channels, "lobby": Channel()}))
    assert load(file).config.level("lobby", "") is Level.MENTIONS


def test_a_channel_is_muted_at_one_server(file: Path) -> None:
    before = load(write(file, "# mine\n")).config
    save(file, before, before.with_level("lobby", "wss://a:1/ws", Level.NONE))
    config = load(file).config
    assert load(file).problems == ()
    assert [config.level("lobby", server) for server in ("wss://a:1/ws", "wss://b", "")] == [
        Level.NONE,
        Level.MENTIONS,
        Level.MENTIONS,
    ]
    again = config.with_level("lobby", "wss://a:1/ws", None)
    assert again.level("lobby", "wss://a:1/ws") is Level.MENTIONS
    save(file, config, again)
    assert load(file).config.level("lobby", "wss://a:1/ws") is Level.MENTIONS


def test_a_faulty_table_of_a_server_is_named(file: Path) -> None:
    loaded = load(
        write(file, '[servers."wss://a".channels.lobby]\nnotices = "loud"\n[servers."wss://b"]\nname = "x"\n')
    )
    assert len(loaded.problems) == 2
    assert "servers.wss://a.channels.lobby.notices" in loaded.problems[0]
    assert "servers.wss://b.name" in loaded.problems[1]


def test_a_saved_configuration_is_loaded_again(file: Path) -> None:
    chosen = Config(name='a"\n', compact=True, time=Hours.H12, channels={"a.b": Channel(notices=Level.NONE)})
    save(file.parent / "new" / "config.toml", Config(), chosen)
    assert load(file.parent / "new" / "config.toml").config == chosen


def test_a_symbolic_link_stays_a_link(file: Path) -> None:
    real = write(file.with_name("dotfiles.toml"), "compact = false\n")
    file.symlink_to(real)
    save(file, Config(), Config(compact=True))
    assert file.is_symlink()
    assert real.read_text(encoding="utf-8") == "compact = true\n"


def test_a_path_that_cannot_be_written_is_named(file: Path) -> None:
    write(file, "")
    with pytest.raises(FileError, match="nothing was written"):
        save(file / "config.toml", Config(), Config(compact=True))
