"""The tests themselves: no network in this process, nothing fetched."""

from __future__ import annotations

import os
import socket

import pytest
from pytest_socket import SocketBlockedError


@pytest.mark.filterwarnings("ignore:A test tried to use socket:UserWarning")
@pytest.mark.parametrize("family", [socket.AF_INET, socket.AF_INET6])
def test_sockets_are_blocked(family: int) -> None:
    with pytest.raises(SocketBlockedError):
        socket.socket(family, socket.SOCK_STREAM)


def test_the_hub_is_offline() -> None:
    from huggingface_hub import constants

    assert constants.is_offline_mode()
    assert os.environ["HF_HUB_OFFLINE"] == "1"
