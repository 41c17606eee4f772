// A server made with npm's ws; what it does is in README.md.
import { readFileSync } from "node:fs";
import { createServer } from "node:https";
import { WebSocketServer } from "ws";

const [port, certificate, key] = process.argv.slice(2);
const report = (line) => process.stdout.write(JSON.stringify(line) + "\n");

const integer = (value, rest = "") => {
  const bytes = Buffer.alloc(4);
  bytes.writeInt32LE(value);
  return Buffer.concat([bytes, Buffer.from(rest)]);
};

const answer = (socket, message) => {
  if (message.readInt32LE(0) === 2) {
    socket.send(integer(7, "queued"));
    return;
  }
  socket.send(integer(0));
  socket.send(Buffer.from([1, 2, 3]));
  for (let i = 0; i < 50; ++i) socket.send(integer(100 + i));
};

const https = createServer({ cert: readFileSync(certificate), key: readFileSync(key) });
const server = new WebSocketServer({ server: https, perMessageDeflate: { threshold: 0 } });
server.on("connection", (socket) => {
  report({ what: "open", extensions: socket.extensions });
  socket.on("message", (data, binary) => {
    report({ what: "message", kind: binary ? "binary" : "text", hex: data.toString("hex"), time: performance.now() / 1e3 });
    if (binary) answer(socket, data);
  });
  socket.on("error", (error) => report({ what: "error", text: error.message }));
  socket.on("close", (code, reason) => report({ what: "close", code, reason: reason.toString() }));
});
https.listen(Number(port), "127.0.0.1", () => report({ what: "ready", port: https.address().port }));
