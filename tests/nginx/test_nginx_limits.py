"""How much one address may ask for, and who may call the webhook."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import pytest

from nginx.conftest import Opener
from nginx.door import PASSWORD, Client, Door
from rehearsal import until

WEBHOOK = "/telegram/webhook"
TELEGRAM = "149.154.167.220"
# What may come at once: four times as many requests, twenty times as many with a password, twice as many updates.
FEW = {"nginx_requests_per_second": 20, "nginx_password_requests_per_second": 1, "nginx_webhook_requests_per_second": 2}


@pytest.fixture(scope="module")
def door(opened: Opener) -> Door:
    """With the role's own numbers."""
    return opened(nginx_trusted_proxies=["0.0.0.0/0"])


@pytest.fixture(scope="module")
def small(opened: Opener) -> Door:
    """With small numbers, and a webhook for everybody."""
    return opened(nginx_trusted_proxies=["0.0.0.0/0"], nginx_webhook_allow_list=False, nginx_connections=3, **FEW)


@pytest.fixture(scope="module")
def strict(opened: Opener) -> Door:
    """Nobody in front is believed, and no address is beyond doubt."""
    return opened(nginx_local_networks=[])


def passed(client: Client, path: str, method: str = "GET", at_most: int = 500) -> int:
    """Ask until nginx refuses, and return how often it did not."""
    for number in range(at_most):
        answer = client.ask(path, method)
        if answer.status == 429:
            assert answer.headers["Retry-After"] == "10"
            assert answer.headers["X-Content-Type-Options"] == "nosniff"
            return number
    raise AssertionError(f"{at_most} requests were let through")


# ---- passwords and logins --------------------------------------------------------------------------------------------


def test_grafanas_form_is_tried_ten_times_a_minute(door: Door) -> None:
    client = door.client()

    assert passed(client, "/grafana/login", "POST") in {11, 12}
    assert client.ask("/grafana/login").status == 200, "the form itself is still shown"
    assert door.client().ask("/grafana/login", "POST").status == 200, "others are not concerned"


@pytest.mark.parametrize("path", ["/prometheus/", "/alertmanager/", "/runbook/", "/grafana/api/user"])
def test_whoever_guesses_passwords_is_slowed_down(small: Door, path: str) -> None:
    """A right one that comes among them is refused as well: the refusal must not tell it from the others."""
    guesser = small.client(password="wrong")

    assert 20 <= passed(guesser, path) <= 40
    guesser.password = PASSWORD
    assert guesser.ask(path).status == 429
    assert small.client(password=PASSWORD).ask(path).status == 200, "others are not concerned"


def test_who_knows_the_password_can_open_a_page_of_many_parts(door: Door) -> None:
    client = door.client(password=PASSWORD)

    assert {client.ask("/prometheus/assets/x.js").status for _ in range(150)} == {200}


def test_a_strangers_attempts_are_no_errors_in_the_log(small: Door) -> None:
    stranger = small.client(password="wrong")
    passed(stranger, "/prometheus/")
    small.client().ask("/runbook/nothing")
    small.client(password=PASSWORD).ask("/runbook/nothing")

    assert "[error]" not in small.log()


# ---- requests and connections ----------------------------------------------------------------------------------------


def test_one_address_does_not_take_everything(small: Door) -> None:
    client = small.client()

    assert 80 <= passed(client, "/healthz") <= 160
    assert small.client().ask("/healthz").status == 200
    until(lambda: client.ask("/healthz").status == 200, "the limit ends by itself")


def test_one_address_has_only_so_many_requests_under_way(small: Door) -> None:
    client = small.client()
    begun = [client.begin("/grafana/api/x", 10) for _ in range(3)]

    # nginx counts them once it has read their heads.
    until(lambda: client.ask("/grafana/").status == 429, "three requests under way are enough")
    assert small.client().ask("/grafana/").status == 200
    for one in begun:
        one.close()
    until(lambda: client.ask("/grafana/").status == 200, "when they are gone there is place again")


# ---- the webhook -----------------------------------------------------------------------------------------------------


def test_four_seconds_of_ten_thousand_updates_a_minute_come_at_once(door: Door) -> None:
    def bring(number: int) -> set[int]:
        client = door.client(TELEGRAM)
        return {client.ask(WEBHOOK, "POST", b'{"update_id": %d}' % number).status for _ in range(35)}

    # As many connections as the bot has Telegram open.
    with ThreadPoolExecutor(20) as pool:
        assert set.union(*pool.map(bring, range(20))) == {200}


def test_more_than_that_is_for_telegram_to_bring_again(small: Door) -> None:
    assert 4 <= passed(small.client(), WEBHOOK, "POST") <= 12


@pytest.mark.parametrize(
    "address",
    [TELEGRAM, "149.154.160.0", "149.154.175.255", "91.108.4.1", "91.108.7.255", "172.28.240.1", "192.168.1.1"],
)
def test_telegram_and_who_can_not_be_told_may_call_the_webhook(door: Door, address: str) -> None:
    assert door.client(address).ask(WEBHOOK, "POST").arrived["path"] == WEBHOOK


@pytest.mark.parametrize(
    "address",
    ["149.154.159.255", "149.154.176.0", "91.108.8.1", "203.0.113.200", "172.32.0.1", "8.8.8.8", "2001:db8::1"],
)
def test_nobody_else_calls_the_webhook(door: Door, address: str) -> None:
    for path in (WEBHOOK, "//telegram/webhook", "/telegram/%77ebhook", "/telegram/./webhook", "/x/../telegram/webhook"):
        assert door.client(address).ask(path, "POST").status == 403, path
    assert door.client(address).ask("/healthz").status == 200, "it is about the webhook alone"


def test_the_list_can_be_turned_off(small: Door) -> None:
    assert small.client("203.0.113.201").ask(WEBHOOK, "POST").status == 200


def test_an_address_that_a_caller_claims_is_not_believed(strict: Door) -> None:
    assert strict.client(TELEGRAM).ask(WEBHOOK, "POST").status == 403


@pytest.mark.parametrize("method", ["GET", "HEAD", "PUT", "DELETE", "OPTIONS"])
def test_the_webhook_takes_updates_only(door: Door, method: str) -> None:
    assert door.client(TELEGRAM).ask(WEBHOOK, method).status == 405


def test_an_update_has_a_largest_size(door: Door) -> None:
    assert door.client(TELEGRAM).ask(WEBHOOK, "POST", b"x" * 2**20).status == 200
    assert door.client(TELEGRAM).ask(WEBHOOK, "POST", b"x" * (2**20 + 1)).status == 413
