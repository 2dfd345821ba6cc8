"""The load generator against servers that answer rightly, wrongly, late or not at all."""

import json
import random
import socket
import socketserver
import ssl
import subprocess
import threading
import time

import pytest

from contenders import BODY

GOOD = f"HTTP/1.1 200 OK\r\nContent-Length: {len(BODY)}\r\n\r\n{BODY}".encode()


class Server(socketserver.ThreadingTCPServer):
    """Reads request heads and lets `answer(handler, number)` write; number counts per connection from 0."""
    daemon_threads = True
    request_queue_size = 64

    def __init__(self, answer, tls=None):
        class Handler(socketserver.StreamRequestHandler):
            def handle(self):
                try:
                    if tls:
                        self.request = tls.wrap_socket(self.request, server_side=True)
                        self.rfile, self.wfile = self.request.makefile("rb"), self.request.makefile("wb", 0)
                    for number in range(10**9):
                        lines = iter(self.rfile.readline, b"\r\n")
                        if b"" in (line for line in lines) or answer(self, number) == "close":
                            return
                except OSError:
                    pass
        super().__init__(("127.0.0.1", 0), Handler)

    def __enter__(self):
        threading.Thread(target=self.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True).start()
        self.name = "127.0.0.1:%d" % self.server_address[1]
        return self

    def __exit__(self, *_):
        self.shutdown()
        self.server_close()


def always(data):
    return lambda handler, number: handler.wfile.write(data) and None


def test_counts_exactly_the_right_answers(load):
    with Server(always(GOOD)) as server:
        code, said = load(server.name, "--connections", "4", "--requests", "200")
    assert code == 0
    assert said["errors"] == 0
    assert 200 <= said["total"] < 204  # three more may have been on their way
    assert said["reconnects"] == 0


@pytest.mark.parametrize("answer, kind", [
    (GOOD.replace(b"200 OK", b"503 Busy"), "status"),
    (GOOD.replace(b"1.1", b"1.0", 1), "status"),
    (GOOD.replace(b'"ok"', b'"no"'), "body"),
    (b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok", "body"),
    (GOOD + b"more", "body"),
    (GOOD.replace(b"Content-Length: 33\r\n", b""), "framing"),
    (GOOD.replace(b"Content-Length: 33", b"Content-Length: 33\r\nContent-Length: 33"), "framing"),
    (GOOD.replace(b"Content-Length: 33", b"Content-Length: 33x"), "framing"),
    (GOOD.replace(b"Content-Length: 33", b"Transfer-Encoding: chunked"), "framing"),
])
def test_a_wrong_answer_is_an_error_of_its_kind(load, answer, kind):
    with Server(always(answer)) as server:
        code, said = load(server.name, "--connections", "1", "--seconds", "0.1", "--warmup", "0")
    assert code == 1
    assert said["requests"] == 0
    assert said["error_kinds"][kind] == said["errors"] > 0


def test_an_answer_in_single_bytes_is_one_answer(load):
    def answer(handler, number):
        for at in range(len(GOOD)):
            handler.wfile.write(GOOD[at:at + 1])
    with Server(answer) as server:
        code, said = load(server.name, "--connections", "1", "--requests", "3")
    assert (code, said["total"], said["errors"]) == (0, 3, 0)


def test_a_connection_closed_instead_of_an_answer_is_an_error(load):
    with Server(lambda handler, number: "close" if number == 2 else always(GOOD)(handler, number)) as server:
        code, said = load(server.name, "--connections", "1", "--requests", "10")
    assert code == 1
    assert said["error_kinds"]["closed"] == said["errors"] == 4  # 2 good, then closed: after 2 4 6 8
    assert said["reconnects"] >= 4


def test_a_truncated_answer_is_an_error(load):
    def answer(handler, number):
        handler.wfile.write(GOOD[:-1])
        return "close"
    with Server(answer) as server:
        code, said = load(server.name, "--connections", "1", "--seconds", "0.1", "--warmup", "0")
    assert code == 1 and said["requests"] == 0 and said["error_kinds"]["closed"] > 0


def test_connection_close_after_a_good_answer_is_no_error(load):
    def answer(handler, number):
        handler.wfile.write(GOOD.replace(b"OK\r\n", b"OK\r\nConnection: close\r\n"))
        return "close"
    with Server(answer) as server:
        code, said = load(server.name, "--connections", "2", "--requests", "10")
    assert code == 0 and said["errors"] == 0 and said["reconnects"] >= 8


def test_silence_is_a_timeout_and_ends(load):
    with Server(lambda handler, number: None) as server:
        code, said = load(server.name, "--connections", "2", "--seconds", "0.6", "--warmup", "0", "--timeout", "0.2")
    assert code == 1
    assert said["error_kinds"]["timeout"] >= 2
    assert said["requests"] == 0


def test_a_refused_connection_means_no_run(load):
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))  # bound, not listening
        code, said = load("127.0.0.1:%d" % taken.getsockname()[1], "--connections", "2")
    assert code == 2
    assert "0 of 2 connections" in said["stderr"]


@pytest.mark.parametrize("options", [["--rate", "x"], ["--connections", "0"], ["--cpu", "proxy"], ["--nonsense"]])
def test_wrong_options_are_named(load, options):
    code, said = load("127.0.0.1:9", *options)
    assert code == 2 and options[0].lstrip("-") in said["stderr"]


def test_open_loop_charges_a_stall_to_every_request_it_delayed(load):
    """One connection, one answer that takes 300 ms: a closed loop would see a single slow request. At 200 a
    second about 60 requests fall due meanwhile and must each show their wait."""
    def answer(handler, number):
        if number == 20:
            time.sleep(0.3)
        handler.wfile.write(GOOD)
    with Server(answer) as server:
        code, said = load(server.name, "--connections", "1", "--rate", "200", "--seconds", "1", "--warmup", "0")
    assert code == 0
    assert said["backlog_max"] >= 30
    assert said["latency_us"]["p90"] > 100_000
    assert said["latency_us"]["max"] >= 300_000


def test_open_loop_sends_what_was_asked_for(load):
    with Server(always(GOOD)) as server:
        even = load(server.name, "--connections", "8", "--rate", "300", "--seconds", "1", "--warmup", "0.2")
        random_gaps = load(server.name, "--connections", "8", "--rate", "300", "--seconds", "1", "--poisson")
    assert even[0] == random_gaps[0] == 0
    assert 299 <= even[1]["requests"] <= 301  # what fell due within the window, whenever it was answered
    assert 200 <= random_gaps[1]["requests"] <= 400  # 300 with a deviation of 17


def test_tls_13_only(load, tmp_path):
    key, certificate = tmp_path / "key", tmp_path / "certificate"
    subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days",
                    "2", "-subj", "/CN=localhost", "-keyout", key, "-out", certificate], check=True, capture_output=True)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate, key)
    with Server(always(GOOD), tls=context) as server:
        code, said = load(server.name, "--connections", "4", "--requests", "100", "--tls")
        assert code == 0 and said["errors"] == 0
    context.maximum_version = ssl.TLSVersion.TLSv1_2
    with Server(always(GOOD), tls=context) as server:
        assert load(server.name, "--connections", "1", "--requests", "1", "--tls")[0] == 2


def test_cpu_of_a_process_is_the_kernels_own_account(load):
    """A process that burns in two threads, one of which has ended, is charged for both."""
    code = ("import threading,time\n"
            "def burn(s):\n"
            "    end=time.thread_time()+s\n"
            "    while time.thread_time()<end: pass\n"
            "print('up',flush=True); input()\n"
            "t=threading.Thread(target=burn,args=(0.2,)); t.start(); t.join(); burn(0.2)\n"
            "print(time.process_time(),flush=True); input()\n")
    burner = subprocess.Popen(["python3", "-c", code], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    try:
        assert burner.stdout.readline() == "up\n"
        released = threading.Event()

        def answer(handler, number):
            if number == 0:  # measured from here: there is no warm-up
                burner.stdin.write("\n")
                burner.stdin.flush()
                burner.stdout.readline()
                released.set()
            handler.wfile.write(GOOD)
        with Server(answer) as server:
            exit_code, said = load(server.name, "--connections", "1", "--requests", "2", "--timeout", "30",
                                   "--cpu", f"burner={burner.pid}")
        assert exit_code == 0 and released.is_set()
        assert 0.35e9 < said["cpu_ns"]["burner"] < 0.6e9
    finally:
        burner.kill()
        burner.wait()


def test_quantiles_are_at_most_one_percent_above_the_truth(programs):
    generator = random.Random(7)
    values = sorted(int(10 ** generator.uniform(0, 11)) for _ in range(20_000))
    done = subprocess.run([programs / "sidekick-bench-load", "--quantiles-of-stdin"], text=True, capture_output=True,
                          input="\n".join(map(str, values)), check=True)
    said = json.loads(done.stdout)
    assert said["count"] == len(values)
    assert said["latency_us"]["max"] == pytest.approx(values[-1] / 1000)
    for name, q in (("p50", 0.5), ("p90", 0.9), ("p99", 0.99), ("p999", 0.999)):
        truth = values[int(q * len(values)) - 1] / 1000
        assert truth - 0.001 <= said["latency_us"][name] <= truth * 1.008 + 0.001
