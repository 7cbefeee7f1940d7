"""The service in pods that have an IPv6 address alone: `make e2e-node-ipv6`."""

import ipaddress
from http import HTTPStatus

import httpx

from tests.e2e.backends import eventually
from tests.node import machine
from tests.node.release import Release


def test_pods_with_only_ipv6_are_ready_and_answer(ports: Release) -> None:
    assert machine.IS_IPV6, "the node needs an IPv6 network: make e2e-node-ipv6"
    ports.upgrade(host="::")  # waits for the probes
    pods = ports.pods()
    for pod in pods:
        status = pod["status"]
        (address,) = (ipaddress.ip_address(each["ip"]) for each in status["podIPs"])
        assert address in ipaddress.ip_network(machine.PODS)
        assert [each["restartCount"] for each in status["containerStatuses"]] == [0]
        assert "True" in {
            each["status"] for each in status["conditions"] if each["type"] == "Ready"
        }
        assert httpx.get(f"http://[{address}]:8080/live").status_code == HTTPStatus.OK
    service = ipaddress.ip_address(ports.address())
    assert service in ipaddress.ip_network(machine.SERVICES)
    url = f"http://[{service}]:8080/ports/AEAJM"
    answer = eventually(lambda: httpx.get(url))
    assert answer.json()["id"] == "AEAJM"
    print(f"{len(pods)} pods, Service at {service}: {answer.status_code}")
