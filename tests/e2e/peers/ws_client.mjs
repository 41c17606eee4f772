// A client made with npm's ws; what it does is in README.md.
import { readFileSync } from "node:fs";
import WebSocket from "ws";

const [url, ca, script, replies] = process.argv.slice(2);
const report = (line) => process.stdout.write(JSON.stringify(line) + "\n");

const socket = new WebSocket(url, { ca: readFileSync(ca) });
let left = Number(replies);
socket.on("open", () => {
  for (const { text, hex } of JSON.parse(script)) socket.send(hex === undefined ? text : Buffer.from(hex, "hex"));
});
socket.on("message", (data, binary) => {
  report({ what: "message", kind: binary ? "binary" : "text", hex: data.toString("hex") });
  if (--left === 0) socket.close(1000);
});
socket.on("close", (code) => report({ what: "close", code }));
socket.on("error", (error) => {
  console.error(error.message);
  process.exitCode = 1;
});
setTimeout(() => {
  console.error(`${left} replies did not come`);
  process.exit(1);
}, 10_000).unref();
