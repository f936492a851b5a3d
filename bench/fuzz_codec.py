"""Fuzzing of the codec: any bytes must decode to a frame that survives a round trip, or to an error that can be sent.

    pip install -e '.[fuzz]'
    python -m bench.fuzz_codec [OPTION OF LIBFUZZER ...]

Runs for five minutes, or -max_total_time=SECONDS, and saves inputs that reach new code in bench/corpus/codec. An input
that breaks the codec is written to the working directory as crash-*, and the exit code is not 0: turn it into a test in
tests/server/protocol/test_codec.py.
"""

import json
import sys
from pathlib import Path
from tempfile import NamedTemporaryFile
from typing import get_args

import atheris
import msgspec

with atheris.instrument_imports():
    from server.protocol import codec
    from server.protocol.frames import CHAT_SERVER, ClientFrame, Error

SECONDS = 300
MAX_BYTES = 4096
"""Maximum size of an input; larger harmful inputs have tests of their own."""
CORPUS = Path(__file__).parent / "corpus" / "codec"


def main() -> None:
    """Fuzz, and end the process."""
    with NamedTemporaryFile("w", encoding="ascii", suffix=".dict") as words:
        words.write("".join(f"{quoted(word)}\n" for word in sorted(vocabulary())))
        words.flush()
        # Do not reduce known inputs, so that the corpus stays small.
        defaults = [f"-max_total_time={SECONDS}", f"-max_len={MAX_BYTES}", f"-dict={words.name}", "-reduce_inputs=0"]
        atheris.Setup([sys.argv[0], *defaults, *sys.argv[1:], str(CORPUS)], check)
        atheris.Fuzz()


def check(data: bytes) -> None:
    """Check bytes as a client's frame and as a server's frame."""
    try:
        frame = codec.decode_client(data)
    except codec.BadFrame as bad:
        answer = Error(str(bad), bad.code, CHAT_SERVER, bad.nonce)
        assert codec.decode_server(codec.encode(answer)) == answer
    else:
        assert codec.decode_client(codec.encode(frame)) == frame
        # A connection refuses invalid UTF-8 first; the codec does not check it in fields that it ignores.
        text = data.decode(errors="replace")
        assert depth(json.loads(text, object_pairs_hook=members, parse_int=str)) <= codec.MAX_DEPTH
    try:
        codec.encode(codec.decode_server(data))
    except codec.BadFrame:
        return


def members(pairs: list[tuple[str, object]]) -> dict[str, object]:
    """Build a JSON object. Raises AssertionError for a repeated key."""
    assert len(dict(pairs)) == len(pairs)
    return dict(pairs)


def depth(value: object) -> int:
    """Return the nesting depth of JSON."""
    inner = value.values() if isinstance(value, dict) else value if isinstance(value, list) else None
    return 0 if inner is None else 1 + max(map(depth, inner), default=0)


def vocabulary() -> set[str]:
    """Return the words that occur in frames."""
    kinds: tuple[type[msgspec.Struct], ...] = get_args(ClientFrame)
    words = {'"action":', '"a":1,', "\\u0061", "\\ud800", "\\\\", '\\"', "NaN", "1e999", "[[", "]]", '{"a":', "null"}
    for kind in kinds:
        words.add(f'"{kind.__struct_config__.tag}"')
        words |= {f'"{field.encode_name}":' for field in msgspec.structs.fields(kind)}
    return words


def quoted(word: str) -> str:
    """Quote a word as in libFuzzer's dictionaries."""
    return '"' + word.replace("\\", "\\\\").replace('"', '\\"') + '"'


if __name__ == "__main__":
    main()
