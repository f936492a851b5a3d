"""The addresses that a server listens on."""

import argparse
import socket
import sys
from contextlib import closing

import pytest

from server.__main__ import bind_room
from server.http.listening import ListenError, bind, listen
from server.protocol.address import Address
from server.settings import Settings, SettingsError, parse


def has_ipv6() -> bool:
    """Return whether this machine has the IPv6 loopback address."""
    try:
        socket.create_server(("::1", 0), family=socket.AF_INET6).close()
    except OSError:
        return False
    return True


HAS_IPV6 = pytest.mark.skipif(not has_ipv6(), reason="IPv6 is disabled; enable it for the loopback interface")


@pytest.mark.parametrize(
    ("address", "hosts"),
    [
        ('["127.0.0.1:0", "127.0.0.2:0"]', []),
        pytest.param('"[::]:0"', ["127.0.0.1", "::1"], marks=HAS_IPV6),
        pytest.param('"0.0.0.0:0"', ["127.0.0.1"], marks=HAS_IPV6),
        pytest.param('"[::1]:0"', ["::1"], marks=HAS_IPV6),
    ],
)
def test_every_address_in_the_settings_is_served(address: str, hosts: list[str]) -> None:
    addresses = [Address.parse(text) for text in parse(f"Address = {address}", {}).settings.addresses]
    listener = listen(addresses)
    try:
        assert [given.host for given in addresses] == [actual.host for actual in listener.addresses]
        targets = [Address(host, listener.addresses[0].port) for host in hosts]
        for host, port in targets or listener.addresses:
            socket.create_connection((host, port), timeout=5).close()
    finally:
        for sock in listener.sockets:
            sock.close()


def test_every_address_of_a_host_name_is_served() -> None:
    listener = listen([Address("localhost", 0)])
    port = listener.addresses[0].port
    resolved = {target[0] for *_, target in socket.getaddrinfo("localhost", port, type=socket.SOCK_STREAM)}
    assert {sock.getsockname()[0] for sock in listener.sockets} == resolved
    for sock in listener.sockets:
        assert sock.getsockname()[1] == port
        sock.close()


def test_one_address_that_cannot_be_bound_leaves_none_bound() -> None:
    with closing(socket.create_server(("127.0.0.1", 0))) as taken:
        free = listen([Address("127.0.0.1", 0)])
        (port,) = [address.port for address in free.addresses]
        free.sockets[0].close()
        with pytest.raises(ListenError, match="Address already in use"):
            listen([Address("127.0.0.1", port), Address("127.0.0.1", taken.getsockname()[1])])
        socket.create_server(("127.0.0.1", port)).close()


@pytest.mark.parametrize("host", ["127.0.0.1", pytest.param("::1", marks=HAS_IPV6)])
def test_clients_are_refused_until_a_bound_address_starts_listening(host: str) -> None:
    listener = bind([Address(host, 0)])
    with closing(listener.sockets[0]):
        target = (host, listener.addresses[0].port)
        with pytest.raises(ConnectionRefusedError):
            socket.create_connection(target, timeout=5)
        for _ in range(2):
            listener.start()
            socket.create_connection(target, timeout=5).close()
        with pytest.raises(ListenError, match="Address already in use"):
            bind([Address(*target)])


@pytest.mark.skipif(sys.platform != "linux", reason="elsewhere, no second server can bind the address")
def test_a_server_that_starts_listening_too_late_gets_an_error() -> None:
    first = bind([Address("127.0.0.1", 0)])
    second = bind(first.addresses)
    with closing(first.sockets[0]), closing(second.sockets[0]):
        first.start()
        with pytest.raises(ListenError, match=r"cannot listen on 127\.0\.0\.1:.*Address already in use"):
            second.start()


@pytest.mark.parametrize(("database", "waits"), [("room.sqlite", True), ("postgresql://user@localhost/room", False)])
def test_only_a_server_of_a_shared_room_refuses_clients_until_it_serves(database: str, waits: bool) -> None:
    options = argparse.Namespace(socket=None, address=Address("127.0.0.1", 0))
    listener = bind_room(options, Settings(database=database))
    with closing(listener.sockets[0]):
        assert bool(listener.sockets[0].getsockopt(socket.SOL_SOCKET, socket.SO_ACCEPTCONN)) is waits


@pytest.mark.parametrize(
    ("address", "words"),
    [
        ('"*:9000"', '"[::]:9000"'),
        ("[]", "Address: empty"),
        ('["127.0.0.1:9000", "127.0.0.1:9000"]', "Address[1]: .* occurs twice"),
        ('["127.0.0.1:9000", "here"]', "Address[1]: .* is not HOST:PORT"),
    ],
)
def test_unusable_address_is_explained(address: str, words: str) -> None:
    with pytest.raises(SettingsError, match=words.replace("[", r"\[")):
        parse(f"Address = {address}", {})
