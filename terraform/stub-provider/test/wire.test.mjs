// The codecs, against bytes written out by hand, and the gRPC server over a real socket.

import assert from "node:assert/strict";
import fs from "node:fs";
import http2 from "node:http2";
import net from "node:net";
import os from "node:os";
import path from "node:path";
import test from "node:test";
import { createServer, unframe } from "../src/grpc.mjs";
import * as msgpack from "../src/msgpack.mjs";
import * as protobuf from "../src/protobuf.mjs";

const hex = (buffer) => buffer.toString("hex");

test("MessagePack values survive the way there and back", () => {
  const values = [
    null, true, false, 0, 1, 127, 128, -1, -33, 65536, 2 ** 40, 1.5, "", "a".repeat(31), "b".repeat(32),
    "ä".repeat(200), "c".repeat(70000), [], [1, [2, null]], {}, { a: { b: ["c"] } },
    Array.from({ length: 20 }, (_, i) => i), Array.from({ length: 70000 }, () => null),
    Object.fromEntries(Array.from({ length: 20 }, (_, i) => [`key${i}`, i])),
  ];
  for (const value of values) {
    assert.deepEqual(msgpack.decode(msgpack.encode(value)), value);
  }
});

test("MessagePack forms that Terraform may choose are read", () => {
  const read = (text) => msgpack.decode(Buffer.from(text, "hex"));
  assert.equal(read("cc80"), 128);
  assert.equal(read("cd1d4c"), 7500);
  assert.equal(read("d1ff38"), -200);
  assert.equal(read("cf00000000ffffffff"), 4294967295);
  assert.equal(read("ca3fc00000"), 1.5);
  assert.equal(read("d903616263"), "abc");
  assert.deepEqual(read("dc000201c0"), [1, null]);
});

test("Unknown values are extension 0, and 12 with what is known of them", () => {
  assert.equal(hex(msgpack.encode(msgpack.UNKNOWN)), "d40000");
  assert.equal(msgpack.decode(Buffer.from("d40000", "hex")), msgpack.UNKNOWN);
  assert.equal(msgpack.decode(Buffer.from("c7030c8101c2", "hex")), msgpack.UNKNOWN);
});

test("Broken MessagePack is refused", () => {
  for (const text of ["", "a3", "92c0", "c1", "d401ff", "c0c0"]) {
    assert.throws(() => msgpack.decode(Buffer.from(text, "hex")), RangeError, text);
  }
});

test("Protobuf fields have the bytes of the specification", () => {
  assert.equal(hex(protobuf.integer(1, 150)), "089601");
  assert.equal(hex(protobuf.string(2, "testing")), "120774657374696e67");
  assert.equal(hex(protobuf.integer(1, 0)), "", "a default is not written");
  const entry = protobuf.decode(protobuf.one(protobuf.decode(protobuf.mapEntry(3, "k", Buffer.from([8, 1]))), 3));
  assert.equal(protobuf.text(entry, 1), "k");
  assert.equal(hex(protobuf.one(entry, 2)), "0801");
});

test("Repeated fields keep their order and the last singular value wins", () => {
  const fields = protobuf.decode(Buffer.from("08010802", "hex"));
  assert.deepEqual(fields.get(1), [1n, 2n]);
  assert.equal(protobuf.one(fields, 1), 2n);
});

test("Broken protobuf is refused", () => {
  for (const text of ["08", "1205aa", "0b", "08ffffffffffffffffffff01"]) {
    assert.throws(() => protobuf.decode(Buffer.from(text, "hex")), RangeError, text);
  }
});

test("A gRPC frame must be whole and uncompressed", () => {
  assert.equal(unframe(Buffer.from("0000000002abcd", "hex")).toString("hex"), "abcd");
  for (const text of ["", "0100000000", "0000000003abcd", "0000000001abcd"]) {
    assert.throws(() => unframe(Buffer.from(text, "hex")), Error, text);
  }
});

async function withServer(methods, use) {
  const folder = fs.mkdtempSync(path.join(os.tmpdir(), "stub-test-"));
  const socket = path.join(folder, "s");
  const server = createServer(methods);
  await server.listen(socket);
  const session = http2.connect("http://stub", unix(socket));
  try {
    await use((name, body) => call(session, name, body), session);
  } finally {
    session.destroy();
    await server.close();
    fs.rmSync(folder, { recursive: true });
  }
}

const unix = (socket) => ({ createConnection: () => net.connect(socket) });

function call(session, name, body) {
  return new Promise((resolve, reject) => {
    const stream = session.request({ ":method": "POST", ":path": name, "content-type": "application/grpc" });
    const pieces = [];
    let trailers;
    stream.on("trailers", (headers) => (trailers = headers));
    stream.on("data", (piece) => pieces.push(piece));
    stream.on("end", () => resolve({ status: Number(trailers?.["grpc-status"]), body: Buffer.concat(pieces) }));
    stream.on("error", reject);
    const head = Buffer.alloc(5);
    head.writeUInt32BE(body.length, 1);
    stream.end(Buffer.concat([head, body]));
  });
}

test("The server answers, reports failures, and refuses what it does not serve", async () => {
  const methods = new Map([
    ["/s/Echo", async (body) => body],
    ["/s/Fail", async () => { throw new Error("on purpose"); }],
  ]);
  const write = process.stderr.write;
  process.stderr.write = () => true; // The failure is logged; keep the report clean.
  try {
    await withServer(methods, async (ask) => {
      const large = Buffer.alloc(300000, "x");
      const echo = await ask("/s/Echo", large);
      assert.equal(echo.status, 0);
      assert.equal(hex(unframe(echo.body)), hex(large));
      assert.equal((await ask("/s/Fail", Buffer.alloc(0))).status, 13);
      assert.equal((await ask("/s/Other", Buffer.alloc(0))).status, 12);
    });
  } finally {
    process.stderr.write = write;
  }
});

test("A stream dropped half-way does not hurt the next call", async () => {
  await withServer(new Map([["/s/Echo", async (body) => body]]), async (ask, session) => {
    const dropped = session.request({ ":method": "POST", ":path": "/s/Echo" });
    dropped.on("error", () => {});
    dropped.write(Buffer.from([0, 0]));
    dropped.destroy();
    assert.equal((await ask("/s/Echo", Buffer.from("still here"))).status, 0);
  });
});
