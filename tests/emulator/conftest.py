from __future__ import annotations

from collections.abc import AsyncIterator, Iterator

import pytest
from playwright.sync_api import Browser

from browser import ChatPage, chromium
from emulator.clients import Client, connect
from emulator.scripted import TOKEN, Scene
from telegram_emulator.config import Config
from telegram_emulator.testing import EmulatorServer


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


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """For modules of blocking tests only; see `chromium`."""
    with chromium() as running:
        yield running


@pytest.fixture
def scene() -> Iterator[Scene]:
    with Scene() as running:
        yield running


@pytest.fixture
def chat(browser: Browser, scene: Scene) -> Iterator[ChatPage]:
    with ChatPage(browser, scene.url) as page:
        yield page
