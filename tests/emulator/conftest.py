from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from emulator.clients import Client, connect
from telegram_emulator.config import Config
from telegram_emulator.testing import EmulatorServer

TOKEN = "4200001:AAtest-token_of-thirty-five-letters0"


@pytest.fixture
def token() -> str:
    return TOKEN


@pytest.fixture
def config() -> Config:
    return Config(any_webhook=True, webhook_backoff=0.02, webhook_backoff_max=0.1, webhook_timeout=0.5)


@pytest.fixture
async def server(config: Config) -> AsyncIterator[EmulatorServer]:
    async with EmulatorServer(config) as running:
        yield running


@pytest.fixture(params=["ptb", "aiogram"])
async def client(request: pytest.FixtureRequest, server: EmulatorServer, token: str) -> AsyncIterator[Client]:
    connected = await connect(request.param, server, token)
    yield connected
    await connected.close()


@pytest.fixture
async def ptb(server: EmulatorServer, token: str) -> AsyncIterator[Client]:
    """For what does not depend on the client."""
    connected = await connect("ptb", server, token)
    yield connected
    await connected.close()
