// A chat made with npm's socket.io: it pings every 300 ms and drops who does not answer within 300 ms.
import { createServer } from "node:http";
import { Server } from "socket.io";
import { listen, report } from "./report.mjs";

const [port] = process.argv.slice(2);
const http = createServer();
const chat = new Server(http, { pingInterval: 300, pingTimeout: 300, transports: ["websocket"] });
chat.use((socket, next) =>
  next(socket.handshake.auth?.token === process.env.CHAT_TOKEN ? undefined : new Error("unauthorized")));
chat.engine.on("connection", (socket) => socket.on("heartbeat", () => report("pong")));
chat.on("connection", (socket) => {
  report("open");
  socket.conn.transport.socket.on("close", (code, reason) => report("close", { code, reason: reason.toString() }));
  socket.on("join", (room, done) => { socket.join(room); report("join", { room }); done(chat.engine.clientsCount); });
  socket.on("say", (message) => {
    report("say", { message });
    if (message.text === "hello") socket.emit("say", { text: "time?" });
  });
  socket.on("disconnect", (why) => report("gone", { why }));
});
listen(http, port);
