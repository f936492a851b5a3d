"""Where a webhook may connect to: decided by the address, whatever the name says."""

from collections.abc import Sequence

import pytest

from server.webhooks.client import WebhookClient, WebhookError
from server.webhooks.targets import GuardedTransport, forbidden
from tests.support.receiver import Receiver

METADATA = [
    "169.254.169.254", "::ffff:169.254.169.254", "::ffff:a9fe:a9fe", "64:ff9b::a9fe:a9fe", "2002:a9fe:a9fe::1",
    "fd00:ec2::254", "100.100.100.200",
]  # fmt: skip
PRIVATE = [
    "127.0.0.1", "127.9.9.9", "::1", "::ffff:127.0.0.1", "10.1.2.3", "172.16.0.1", "192.168.1.1", "64:ff9b::a00:1",
    "169.254.1.1", "fe80::1", "fe80::1%eth0", "fd12::1", "0.0.0.0", "::", "100.64.0.1", "224.0.0.1", "ff02::1",
    "255.255.255.255", "240.0.0.1", "192.0.2.1", "2001:db8::1", "2002:c0a8:101::1",
]  # fmt: skip
PUBLIC = ["1.1.1.1", "93.184.216.34", "2606:4700:4700::1111", "::ffff:1.1.1.1", "64:ff9b::101:101", "2002:101:101::1"]


@pytest.mark.parametrize("address", METADATA)
@pytest.mark.parametrize("block_private", [False, True])
def test_metadata_is_never_called(address: str, block_private: bool) -> None:
    assert "metadata" in forbidden(address, block_private=block_private)


@pytest.mark.parametrize("address", PRIVATE)
def test_private_addresses_are_called_unless_they_are_blocked(address: str) -> None:
    assert not forbidden(address, block_private=False)
    assert "BlockPrivate" in forbidden(address, block_private=True)


@pytest.mark.parametrize("address", PUBLIC)
def test_public_addresses_are_called(address: str) -> None:
    assert not forbidden(address, block_private=True)


@pytest.mark.parametrize(
    "host", ["169.254.169.254", "0xa9fea9fe", "2852039166", "0251.0376.0251.0376", "[::ffff:169.254.169.254]"]
)
async def test_no_spelling_of_a_metadata_address_is_called(host: str) -> None:
    client = WebhookClient()
    with pytest.raises(WebhookError) as caught:
        await client.post(f"http://{host}/", b"{}", "msg_1")
    # An octal one is not even a URL for httpx.
    assert str(caught.value) in {"its address is not allowed", "it cannot be reached"}
    await client.close()


async def test_a_site_on_this_machine_is_called_unless_private_addresses_are_blocked(receiver: Receiver) -> None:
    url = receiver.url.replace("127.0.0.1", "localhost")
    client, strict = WebhookClient(), WebhookClient(block_private=True)
    assert (await client.post(url, b"{}", "msg_1")).status == 200
    assert receiver.requests[0].header("Host") == f"localhost:{receiver.port}"
    with pytest.raises(WebhookError, match="its address is not allowed") as caught:
        await strict.post(url, b"{}", "msg_1")
    assert "BlockPrivate" in caught.value.cause
    assert len(receiver.requests) == 1
    await client.close()
    await strict.close()


class Resolving(GuardedTransport):
    """Resolves each name to the same addresses."""

    def __init__(self, addresses: Sequence[str], *, block_private: bool = False) -> None:
        super().__init__(block_private=block_private)
        self._addresses = addresses

    async def resolve(self, host: str, port: int) -> list[str]:
        del host, port
        return list(self._addresses)


async def test_the_next_address_is_tried_where_one_does_not_connect(receiver: Receiver) -> None:
    transport = Resolving(["127.0.0.2", "169.254.169.254", "127.0.0.1"])
    client = WebhookClient(transport=transport)
    url = f"http://site.example:{receiver.port}/hooks"
    assert (await client.post(url, b"{}", "msg_1")).status == 200
    assert receiver.requests[0].header("Host") == f"site.example:{receiver.port}"
    await client.close()


async def test_a_name_that_leads_nowhere_is_told() -> None:
    for transport in (Resolving([]), GuardedTransport(block_private=False)):
        client = WebhookClient(transport=transport)
        with pytest.raises(WebhookError, match=r"cannot be reached|not allowed"):
            await client.post("http://no-such-host.invalid/", b"{}", "msg_1")
        await client.close()
