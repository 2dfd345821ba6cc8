#!/usr/bin/env python3
"""Writes the seed corpora of the HTTP/1.1 fuzz targets from the case lists in tests/cases.

Run it again after a change of the lists; seeds that a fuzzer found are kept beside these.
"""
import json
import pathlib
import re

ROOT = pathlib.Path(__file__).resolve().parents[2]
CASES = ROOT / "tests" / "cases"
CORPUS = ROOT / "tests" / "fuzz" / "corpus"
LARGEST = 20_000


def expand(text):
    return re.sub(r"\{\{(.+?)\*(\d+)\}\}", lambda m: m[1] * int(m[2]), text, flags=re.S)


def write(folder, name, data):
    if len(data) > LARGEST:
        return
    path = CORPUS / folder
    path.mkdir(parents=True, exist_ok=True)
    (path / re.sub(r"[^A-Za-z0-9.-]", "_", name)).write_bytes(data)


def main():
    for case in json.loads((CASES / "h1.json").read_text()):
        if "expand_n" in case:
            continue
        data = expand(case["text"]).encode(case.get("enc", "latin-1"))
        write("h1_request", case["name"], data)
        head, found, body = data.partition(b"\r\n\r\n")
        if found and b"transfer-encoding: chunked" in head.lower() and body:
            write("chunked", case["name"], body)
    for case in json.loads((CASES / "upstream-responses.json").read_text()):
        text = re.sub(r"\{\{repeat \d+\}\}", "", case["origin_sends"])
        write("h1_response", case["name"], expand(text).encode("latin-1"))


if __name__ == "__main__":
    main()
