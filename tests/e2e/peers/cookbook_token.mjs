// Tokens over HTTP that live for two seconds, and a WebSocket (npm's ws) that takes only those; made with node's http.
import { randomUUID } from "node:crypto";
import { createServer } from "node:http";
import { WebSocketServer } from "ws";
import { listen, report } from "./report.mjs";

const [port] = process.argv.slice(2);
const LIFETIME = 2;
const expiry = new Map();

const http = createServer(async (request, response) => {
  let body = "";
  for await (const piece of request) body += piece;
  const asked = request.method === "POST" && request.url === "/token" ? JSON.parse(body) : {};
  const known = asked.secret === process.env.CLIENT_SECRET;
  report("token", { known });
  const token = randomUUID();
  expiry.set(token, Date.now() + LIFETIME * 1000);
  response.writeHead(known ? 200 : 401, { "Content-Type": "application/json" });
  response.end(known ? JSON.stringify({ access_token: token, expires_in: LIFETIME }) : "{}");
});

const server = new WebSocketServer({
  server: http,
  verifyClient: ({ req }) => expiry.get(req.headers.authorization?.replace("Bearer ", "")) > Date.now(),
});
server.on("connection", (socket, request) => {
  report("open", { token: request.headers.authorization });
  let number = 0;
  const timer = setInterval(() => socket.send(JSON.stringify({ number: ++number })), 100);
  socket.on("close", (code, reason) => { clearInterval(timer); report("close", { code, reason: reason.toString() }); });
});
listen(http, port);
