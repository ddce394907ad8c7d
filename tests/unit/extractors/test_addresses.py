"""Which addresses are public: the borders of every range that is not."""

from ipaddress import ip_address

import pytest

from caso.extractors.addresses import is_public


@pytest.mark.parametrize(
    ("first", "last", "before", "behind"),
    [
        ("10.0.0.0", "10.255.255.255", "9.255.255.255", "11.0.0.0"),
        ("172.16.0.0", "172.31.255.255", "172.15.255.255", "172.32.0.0"),
        ("192.168.0.0", "192.168.255.255", "192.167.255.255", "192.169.0.0"),
        ("100.64.0.0", "100.127.255.255", "100.63.255.255", "100.128.0.0"),
        ("169.254.0.0", "169.254.255.255", "169.253.255.255", "169.255.0.0"),
        ("127.0.0.0", "127.255.255.255", "126.255.255.255", "128.0.0.0"),
        ("224.0.0.0", "239.255.255.255", "223.255.255.255", None),
        ("fc00::", "fdff:ffff:ffff:ffff:ffff:ffff:ffff:ffff", "fbff:ffff:ffff:ffff:ffff:ffff:ffff:ffff", "fe00::"),
        ("fe80::", "febf:ffff:ffff:ffff:ffff:ffff:ffff:ffff", "fe7f:ffff:ffff:ffff:ffff:ffff:ffff:ffff", "fec0::"),
        ("::1", "::1", None, "::2"),
        ("0.0.0.0", "0.0.0.0", None, None),
        ("::", "::", None, None),
        ("ff00::", "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff", None, None),
    ],
)
def test_a_range_that_is_set_apart_is_not_public_and_its_neighbours_are(first, last, before, behind):
    assert not is_public(ip_address(first))
    assert not is_public(ip_address(last))
    assert all(is_public(ip_address(text)) for text in (before, behind) if text)


@pytest.mark.parametrize("text", ["192.0.2.1", "198.51.100.1", "203.0.113.1", "2001:db8::1", "2a0f:150:6::1", "150.0.0.1"])
def test_others_are_public_those_of_documents_too(text):
    assert is_public(ip_address(text))
