#!/usr/bin/env node
// Serves the stub provider on a private Unix socket.
//
//   main.mjs                  prints {"TF_REATTACH_PROVIDERS": "..."} and serves until stdin closes
//   main.mjs -- COMMAND ...   runs the command with that variable set, exits with its code
//
//   terraform/stub-provider/main.mjs -- terraform -chdir=terraform plan

import { spawn } from "node:child_process";
import fs from "node:fs";
import os from "node:os";
import path from "node:path";
import { createServer } from "./src/grpc.mjs";
import { createProvider } from "./src/provider.mjs";
import { loadSchema } from "./src/schema.mjs";

const folder = fs.mkdtempSync(path.join(os.tmpdir(), "stub-aws-"));
const socket = path.join(folder, "socket");
const server = createServer(createProvider(loadSchema()));
await server.listen(socket);

// The short address: Terraform itself completes it with the default host.
const reattach = JSON.stringify({
  "hashicorp/aws": {
    Protocol: "grpc",
    ProtocolVersion: 5,
    Pid: process.pid,
    Test: true, // Terraform must not end us after each command.
    Addr: { Network: "unix", String: socket },
  },
});

async function stop(code) {
  await server.close();
  fs.rmSync(folder, { recursive: true, force: true });
  process.exit(code);
}

const separator = process.argv.indexOf("--");
if (separator >= 0) {
  const [command, ...args] = process.argv.slice(separator + 1);
  const child = spawn(command, args, {
    stdio: "inherit",
    env: { ...process.env, TF_REATTACH_PROVIDERS: reattach },
  });
  child.on("error", (error) => {
    process.stderr.write(`stub-provider: cannot run ${command}: ${error.message}\n`);
    stop(127);
  });
  child.on("exit", (code, signal) => stop(signal ? 128 + os.constants.signals[signal] : code));
} else {
  process.stdout.write(`${JSON.stringify({ TF_REATTACH_PROVIDERS: reattach })}\n`);
  process.stdin.resume();
  process.stdin.on("end", () => stop(0));
}
for (const signal of ["SIGTERM", "SIGINT", "SIGHUP"]) {
  process.on(signal, () => {
    if (separator < 0) stop(0); // With a command, the command gets it too and decides.
  });
}
