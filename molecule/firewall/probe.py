"""Runs in the client: connects to ports of a host from one of the client's addresses, and prints what came of each."""

import json
import socket
import sys
from concurrent.futures import ThreadPoolExecutor

# A dropped SYN is repeated after a second.
TIMEOUT_SECONDS = 2.5


def probe(port: int) -> str:
    """Return "open", "refused" or "no answer"."""
    try:
        socket.create_connection((HOST, port), TIMEOUT_SECONDS, (SOURCE, 0)).close()
    except ConnectionRefusedError:
        return "refused"
    except socket.timeout:  # noqa: UP041 - Python 3.8 there
        return "no answer"
    return "open"


HOST, SOURCE, *PORTS = sys.argv[1:]
with ThreadPoolExecutor(len(PORTS)) as pool:
    probes = {port: pool.submit(probe, int(port)) for port in PORTS}
print(json.dumps({port: found.result() for port, found in probes.items()}))
