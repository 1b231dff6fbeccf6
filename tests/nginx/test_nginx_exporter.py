"""The exporter makes metrics of nginx's status page."""

from __future__ import annotations

from nginx.conftest import Opener
from nginx.door import image
from rehearsal import until


def test_requests_are_counted(opened: Opener) -> None:
    door = opened()
    arguments = ["--user=1001:1001", "--read-only", "--cap-drop=ALL", "--network-alias=exporter"]
    door.run("exporter", *arguments, image("nginx_exporter"), "--nginx.scrape-uri=http://kbju-nginx:8082/stub_status")

    def metric(name: str) -> float:
        program = "import urllib.request; print(urllib.request.urlopen('http://exporter:9113/metrics').read().decode())"
        (found,) = (line for line in door.inside(program).splitlines() if line.startswith(f"{name} "))
        return float(found.split()[1])

    def is_up() -> bool:
        try:
            return metric("nginx_up") == 1
        except (AssertionError, ValueError):
            return False

    until(is_up, "the exporter reaches nginx")
    before = metric("nginx_http_requests_total")
    for _ in range(10):
        door.client().ask("/healthz")
    assert metric("nginx_http_requests_total") - before >= 10
