"""The self-signed certificate: made for the server's name, kept while it fits, made anew when it does not."""

from __future__ import annotations

import ssl

from testinfra.host import Host

from rehearsal import ROOT, Stack, deploy
from telegram_emulator.client import User


def served(stack: Stack) -> str:
    """Return the certificate that nginx serves now."""
    return ssl.get_server_certificate(("127.0.0.1", stack.https_port))


def test_the_key_is_for_nginx_alone(nas: Host) -> None:
    assert nas.check_output(f"stat -c '%a %u' {ROOT}/certs/nginx/key.pem") == "400 101"
    assert "PRIVATE" not in nas.check_output(f"cat {ROOT}/certs/public/*")


def test_another_name_gets_another_certificate_and_telegram_hears_of_it(stack: Stack, nas: Host, user_id: int) -> None:
    before = served(stack)

    renamed = deploy("site.yml", "--extra-vars", "nginx_server_name=other.kbju.test")

    assert renamed.returncode == 0, renamed.stdout[-3000:]
    assert served(stack) != before
    names = nas.check_output(f"openssl x509 -in {ROOT}/certs/public/cert.pem -noout -ext subjectAltName")
    assert "DNS:other.kbju.test" in names

    # Back under its own name: Telegram trusts only the certificate that it was given last.
    back = deploy("site.yml")
    assert back.returncode == 0, back.stdout[-3000:]
    user = User(user_id, stack.telegram, first_name="Daria", language_code="ru")
    user.send_text("/start")
    assert "Daria" in user.wait_for_reply(timeout=30)["text"]
