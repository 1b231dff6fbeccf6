"""The self-signed certificate: made for the server's name, kept while it fits, made anew when it does not."""

from __future__ import annotations

import json
import ssl

from cryptography import x509
from testinfra.host import Host

from rehearsal import ROOT, Stack, deploy
from telegram_emulator.client import User


def served(stack: Stack) -> x509.Certificate:
    """Return the certificate that nginx serves now."""
    return x509.load_pem_x509_certificate(ssl.get_server_certificate(("127.0.0.1", stack.https_port)).encode())


def test_the_key_is_for_nginx_alone(nas: Host) -> None:
    assert nas.check_output(f"stat -c '%a %u' {ROOT}/certs/nginx/key.pem") == "400 101"
    assert "PRIVATE" not in nas.check_output(f"cat {ROOT}/certs/public/*")


def test_another_name_gets_another_certificate_and_telegram_hears_of_it(stack: Stack, nas: Host, user_id: int) -> None:
    settings = {"certbot_enabled": False, "nginx_server_name": "other.kbju.test"}
    # Without an authority, and without what one has issued.
    nas.check_output(f"rm {ROOT}/certs/nginx/*.pem")

    renamed = deploy("site.yml", "--extra-vars", json.dumps(settings))

    assert renamed.returncode == 0, renamed.stdout[-3000:]
    names = nas.check_output(f"openssl x509 -in {ROOT}/certs/public/cert.pem -noout -ext subjectAltName")
    assert "DNS:other.kbju.test" in names

    assert f"{ROOT}/bin/renew-certificate" not in nas.check_output("/usr/syno/bin/synoschedtask --get")
    # Under its own name: Telegram, which looks for that, trusts only the certificate that it was given last.
    own = deploy("site.yml", "--extra-vars", json.dumps({"certbot_enabled": False}))
    assert own.returncode == 0, own.stdout[-3000:]
    assert served(stack).subject == served(stack).issuer
    user = User(user_id, stack.telegram, first_name="Daria", language_code="ru")
    user.send_text("/start")
    assert "Daria" in user.wait_for_reply(timeout=30)["text"]

    # With the authority again, what it has issued comes back, and Telegram trusts that.
    back = deploy("site.yml")
    assert back.returncode == 0, back.stdout[-3000:]
    assert served(stack).subject != served(stack).issuer
    user = User(user_id + 1, stack.telegram, first_name="Elena", language_code="ru")
    user.send_text("/start")
    assert "Elena" in user.wait_for_reply(timeout=30)["text"]
