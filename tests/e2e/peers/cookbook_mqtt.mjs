// A broker made with npm's aedes behind npm's ws. What it says is cut into WebSocket messages of one to three bytes.
// It publishes a number on tick/1 every 100 ms with QoS 1.
import { createServer } from "node:http";
import { Duplex } from "node:stream";
import { Aedes } from "aedes";
import { createWebSocketStream, WebSocketServer } from "ws";
import { listen, report } from "./report.mjs";

const [port] = process.argv.slice(2);
const broker = await Aedes.createBroker();
broker.authenticate = (client, user, password, done) =>
  done(null, user === "demo" && String(password) === process.env.MQTT_PASSWORD);
broker.on("client", (client) => report("login", { id: client.id }));
broker.on("subscribe", (subscriptions) => report("subscribe", { topics: subscriptions.map((each) => each.topic) }));
broker.on("publish", (packet, client) =>
  client && report("publish", { topic: packet.topic, text: packet.payload.toString() }));
broker.on("ack", (packet) => report("ack", { id: packet?.messageId }));
broker.on("ping", () => report("ping"));
broker.on("clientError", (client, error) => report("error", { text: error.message }));

let number = 0;
setInterval(() => broker.publish(
  { topic: "tick/1", payload: Buffer.from(JSON.stringify({ n: number++ })), qos: 1, retain: false }, () => {}), 100);

// Between the broker and the WebSocket: what is written leaves in pieces.
const in_pieces = (stream) => {
  let size = 0;
  const cut = new Duplex({
    read() { stream.resume(); },
    write(data, _, done) {
      for (let at = 0; at < data.length; at += size) {
        size = (size % 3) + 1;
        stream.write(data.subarray(at, at + size));
      }
      done();
    },
    final(done) { stream.end(done); },
    destroy(error, done) { stream.destroy(error); done(error); },
  });
  stream.on("data", (data) => { if (!cut.push(data)) stream.pause(); });
  stream.on("end", () => cut.push(null));
  stream.on("close", () => cut.destroy());
  stream.on("error", () => cut.destroy());
  return cut;
};

const http = createServer();
const server = new WebSocketServer({ server: http, handleProtocols: (offered) => offered.has("mqtt") && "mqtt" });
server.on("connection", (socket, request) => {
  report("open");
  socket.on("close", (code, reason) => report("close", { code, reason: reason.toString() }));
  broker.handle(in_pieces(createWebSocketStream(socket)), request);
});
listen(http, port);
