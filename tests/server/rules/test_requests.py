"""Which heads announce a body that is read."""

from http import HTTPStatus

import pytest

from server.rules.requests import MAX_BODY_BYTES, RefusedRequest, check_body

HEADS = {
    "no body": ([], None),
    "nothing": (["Content-Length: 0"], None),
    "the most": ([f"content-length:{MAX_BODY_BYTES}"], None),
    "spaces around": (["CONTENT-LENGTH: \t 7 \t"], None),
    "a byte too much": ([f"Content-Length: {MAX_BODY_BYTES + 1}"], HTTPStatus.REQUEST_ENTITY_TOO_LARGE),
    "twenty digits": (["Content-Length: " + "9" * 20], HTTPStatus.REQUEST_ENTITY_TOO_LARGE),
    "a thousand digits": (["Content-Length: " + "9" * 1000], HTTPStatus.BAD_REQUEST),
    "a thousand zeros": (["Content-Length: " + "0" * 1000], HTTPStatus.BAD_REQUEST),
    "two lengths": (["Content-Length: 4", "Content-Length: 5"], HTTPStatus.BAD_REQUEST),
    "one length twice": (["Content-Length: 4", "X: y", "content-length: 4"], HTTPStatus.BAD_REQUEST),
    "a list of lengths": (["Content-Length: 4, 4"], HTTPStatus.BAD_REQUEST),
    "a sign": (["Content-Length: +4"], HTTPStatus.BAD_REQUEST),
    "hexadecimal": (["Content-Length: 0x4"], HTTPStatus.BAD_REQUEST),
    "empty": (["Content-Length:"], HTTPStatus.BAD_REQUEST),
    "on the next line": (["Content-Length:", " 4"], HTTPStatus.BAD_REQUEST),
    "chunks": (["Transfer-Encoding: chunked"], HTTPStatus.LENGTH_REQUIRED),
    "chunks in capitals": (["TRANSFER-ENCODING:CHUNKED"], HTTPStatus.LENGTH_REQUIRED),
    "compressed chunks": (["Transfer-Encoding: gzip, chunked"], HTTPStatus.LENGTH_REQUIRED),
    "chunks and a length": (["Transfer-Encoding: chunked", "Content-Length: 4"], HTTPStatus.BAD_REQUEST),
    "another field": (["X-Content-Length: 99999999", "X: Transfer-Encoding: chunked"], None),
}


@pytest.mark.parametrize("line_end", ["\r\n", "\n"])
@pytest.mark.parametrize(("fields", "status"), HEADS.values(), ids=HEADS.keys())
def test_a_body_has_one_bounded_length(fields: list[str], status: HTTPStatus | None, line_end: str) -> None:
    head = line_end.join(["POST / HTTP/1.1", "Host: localhost", *fields, "", ""]).encode()
    if status is None:
        check_body(head)
        return
    with pytest.raises(RefusedRequest) as caught:
        check_body(head)
    assert caught.value.status == status
