"""TLS at the edge, as curl and Python's ssl see it, and the redirect from port 80."""

import json
import socket
import ssl
import subprocess

import pytest

from harness import http
from harness.waiting import eventually


@pytest.fixture
def edge(balancer, app_upstream, certificate, free_port):
    """A TLS listener on .tls_port, a redirecting one on .redirect_port, a plain one on .port."""
    def start(**limits):
        plain, tls, redirect = free_port(), free_port(), free_port()
        files = [{"cert": str(certificate[0]), "key": str(certificate[1])}]
        server = balancer({
            "listener": [{"address": f"127.0.0.1:{plain}"},
                         {"address": f"127.0.0.1:{tls}", "tls": {"certificates": files}, "limits": limits},
                         {"address": f"127.0.0.1:{redirect}", "redirect_https": tls}],
            "upstream": [app_upstream(program="load_app")], "route": [{"upstream": "app"}]}, port=plain)
        server.tls_port, server.redirect_port = tls, redirect
        return server
    return start


def curl(*words: str) -> subprocess.CompletedProcess:
    return subprocess.run(["curl", "-sS", "--max-time", "20", *words], capture_output=True, text=True, check=False, timeout=30)


@pytest.mark.parametrize("version, named", [(("--tlsv1.2", "--tls-max", "1.2"), "TLSv1.2"), (("--tlsv1.3",), "TLSv1.3")])
def test_curl_speaks_both_versions(edge, certificate, version, named):
    server = edge()
    done = curl(*version, "-v", "--cacert", str(certificate[0]), f"https://localhost:{server.tls_port}/who/tls")
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["nonce"] == "tls"
    assert f"SSL connection using {named}" in done.stderr
    assert "ALPN: server accepted http/1.1" in done.stderr
    assert sum(value for name, value in server.metrics().items() if name.startswith("sidekick_tls_handshakes_total")) == 1


def test_old_versions_are_refused(edge):
    server = edge()
    done = curl("--tlsv1.0", "--tls-max", "1.1", "--ciphers", "ALL:@SECLEVEL=0", "-k", f"https://localhost:{server.tls_port}/")
    assert done.returncode == 35 and done.stdout == "", done  # 35: the handshake failed
    assert server.get("/who/next", tls=True).status == 200


def test_the_application_sees_https_and_the_client(edge):
    server = edge()
    lines = server.get("/headers", tls=True).text.lower().splitlines()
    assert "x-forwarded-proto: https" in lines
    assert "x-forwarded-for: 127.0.0.1" in lines
    assert "x-forwarded-proto: http" in server.get("/headers").text.lower().splitlines()


def test_port_80_redirects_with_host_and_query(edge):
    server = edge()
    for host, target, location in [
            ("shop.example.com", "/a?b=1", f"https://shop.example.com:{server.tls_port}/a?b=1"),
            (f"127.0.0.1:{server.redirect_port}", "/", f"https://127.0.0.1:{server.tls_port}/"),
            ("[::1]:80", "/x%20y?", f"https://[::1]:{server.tls_port}/x%20y?")]:
        for method in ("GET", "POST"):
            with http.Connection(("127.0.0.1", server.redirect_port)) as connection:
                reply = connection.request(method, target, host=host, body=b"" if method == "POST" else None)
            assert (reply.status, reply.header("location")) == (308, location)
            assert reply.complete
    done = curl("-k", "-L", "-o", "/dev/null", "-w", "%{http_code} %{num_redirects}",
                f"http://127.0.0.1:{server.redirect_port}/who/x")
    assert done.stdout == "200 1", done


def test_alpn_without_a_common_protocol_ends_the_handshake(edge):
    server = edge()
    with pytest.raises(ssl.SSLError, match="(?i)alpn|no application protocol"):
        server.connect(tls=http.client_tls(alpn=("spdy/1",)))
    with server.connect(tls=http.client_tls(alpn=("h2", "http/1.1"))) as connection:
        assert connection.socket.selected_alpn_protocol() == "http/1.1"
        assert connection.request("GET", "/who/alpn").status == 200
    with server.connect(tls=http.client_tls(alpn=())) as connection:
        assert connection.socket.selected_alpn_protocol() is None
        assert connection.request("GET", "/who/none").status == 200


def test_sessions_are_resumed(edge):
    server = edge()
    context = http.client_tls()
    with server.connect(tls=context) as connection:
        assert connection.request("GET", "/who/first").status == 200
        session = connection.socket.session
    raw = socket.create_connection(("127.0.0.1", server.tls_port), timeout=10)
    with context.wrap_socket(raw, server_hostname="localhost", session=session) as resumed:
        assert resumed.session_reused
        resumed.sendall(http.request_bytes("GET", "/who/again", {"Connection": "close"}))
        assert resumed.recv(65536).startswith(b"HTTP/1.1 200 ")


@pytest.mark.parametrize("size", [1, 16384, 5_000_000])
def test_bodies_pass_over_tls(edge, size):
    server = edge()
    with server.connect(tls=True, timeout=30) as connection:
        assert connection.request("POST", "/hold", body=bytes(size)).json == {"bytes": size}
        reply = connection.request("GET", f"/sized?bytes={size}&sent={size}")
        assert reply.complete and len(reply.body) == size
        cut = None
        try:
            cut = connection.request("GET", f"/sized?bytes={size + 100_000}&sent={size}")
        except http.Closed:
            pass
        assert cut is None or not cut.complete


def test_a_slow_handshake_is_ended(edge):
    server = edge(tls_handshake_timeout="300ms")
    for first in (b"", b"\x16\x03\x01", b"\x16\x03\x01\x02\x00\x01"):
        with http.Connection(("127.0.0.1", server.tls_port)) as connection:
            connection.send(first)
            try:
                while connection.receive():
                    pass
            except http.Closed:
                pass
    assert server.get("/who/next", tls=True).status == 200


@pytest.mark.parametrize("garbage", [b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n", b"\x16\x03\x01\xff\xff" + bytes(1000),
                                     b"\x80\x2e\x01\x00\x02", bytes(100)], ids=["http", "huge", "sslv2", "zeros"])
def test_garbage_ends_its_connection_only(edge, garbage):
    server = edge(tls_handshake_timeout="500ms")
    with http.Connection(("127.0.0.1", server.tls_port)) as connection:
        connection.send(garbage)
        try:
            answer = connection.read_to_end()
        except http.Closed:
            answer = b""
        assert not answer.startswith(b"HTTP/1.1 200"), answer
    assert server.get("/who/next", tls=True).json["nonce"] == "next"


def test_a_client_that_leaves_in_the_handshake_leaves_nothing(edge):
    server = edge()
    for _ in range(20):
        with http.Connection(("127.0.0.1", server.tls_port)) as connection:
            connection.send(b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + bytes(20))
            connection.reset()
    with server.connect(tls=True) as open_one:
        assert open_one.request("GET", "/who/alive").status == 200
        eventually(lambda: server.metrics()["sidekick_connections"] <= 3)
