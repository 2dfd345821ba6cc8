// A unary gRPC server over cleartext HTTP/2 on a Unix socket: what Terraform needs to re-attach.
//
// `methods` maps a full method path to an async function from request bytes to response bytes.
// A path that is not there answers UNIMPLEMENTED, which Terraform and its plug-in library expect
// of optional services. A handler that throws answers INTERNAL with the message.

import http2 from "node:http2";

const STATUS_OK = 0;
const STATUS_UNIMPLEMENTED = 12;
const STATUS_INTERNAL = 13;
const FRAME_HEAD_BYTES = 5;
const REQUEST_BYTES_MAX = 16 << 20;

function frame(payload) {
  const head = Buffer.alloc(FRAME_HEAD_BYTES);
  head.writeUInt32BE(payload.length, 1);
  return Buffer.concat([head, payload]);
}

// The one message of a unary call; throws when the frame is compressed, cut short or repeated.
export function unframe(body) {
  if (body.length < FRAME_HEAD_BYTES || body[0] !== 0) {
    throw new Error("expected one uncompressed gRPC message");
  }
  const size = body.readUInt32BE(1);
  if (body.length !== FRAME_HEAD_BYTES + size) {
    throw new Error(`gRPC frame says ${size} bytes, got ${body.length - FRAME_HEAD_BYTES}`);
  }
  return body.subarray(FRAME_HEAD_BYTES);
}

function finish(stream, status, text, payload) {
  if (stream.destroyed || stream.closed) {
    return; // The peer probes optional services and drops the stream without waiting.
  }
  const trailers = { "grpc-status": String(status) };
  if (text) {
    trailers["grpc-message"] = encodeURIComponent(text);
  }
  stream.on("wantTrailers", () => stream.sendTrailers(trailers));
  stream.respond(
    { ":status": 200, "content-type": "application/grpc" },
    { waitForTrailers: true },
  );
  stream.end(payload ? frame(payload) : undefined);
}

async function serve(stream, path, methods) {
  const handler = methods.get(path);
  if (handler === undefined) {
    stream.resume();
    finish(stream, STATUS_UNIMPLEMENTED, `${path} is not served here`);
    return;
  }
  const pieces = [];
  let size = 0;
  for await (const piece of stream) {
    size += piece.length;
    if (size > REQUEST_BYTES_MAX) {
      finish(stream, STATUS_INTERNAL, `request exceeds ${REQUEST_BYTES_MAX} bytes`);
      return;
    }
    pieces.push(piece);
  }
  try {
    finish(stream, STATUS_OK, "", await handler(unframe(Buffer.concat(pieces))));
  } catch (error) {
    process.stderr.write(`stub-provider: ${path}: ${error.stack}\n`);
    finish(stream, STATUS_INTERNAL, `${path}: ${error.message}`);
  }
}

export function createServer(methods) {
  const server = http2.createServer();
  const sessions = new Set();
  server.on("session", (session) => {
    sessions.add(session);
    session.on("close", () => sessions.delete(session));
    session.on("error", () => session.destroy());
  });
  server.on("stream", (stream, headers) => {
    stream.on("error", () => {}); // A dropped stream is the peer's choice, not our failure.
    serve(stream, headers[":path"], methods).catch(() => stream.destroy());
  });
  return {
    listen: (socket) =>
      new Promise((resolve, reject) => {
        server.once("error", reject);
        server.listen(socket, resolve);
      }),
    close: () => {
      sessions.forEach((session) => session.destroy());
      return new Promise((resolve) => server.close(resolve));
    },
  };
}
