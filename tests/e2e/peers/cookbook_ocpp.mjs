// A central system made with npm's ocpp-rpc, strict about OCPP 1.6's schemas. After each boot it calls, in this order, an
// action that the charge point does not know, and (after the first boot only) Reset.
import { RPCServer } from "ocpp-rpc";
import { report } from "./report.mjs";

const [port] = process.argv.slice(2);
const server = new RPCServer({ protocols: ["ocpp1.6"], strictMode: true });
server.auth((accept, reject, handshake) =>
  handshake.identity === "CP1" && handshake.password?.toString() === process.env.OCPP_PASSWORD ? accept({}) : reject(401));

let boots = 0;
server.on("client", (client) => {
  report("open");
  const call = (action, payload) => client.call(action, payload).then(
    (answer) => report("answered", { action, answer }), (error) => report("refused", { action, code: error.rpcErrorCode }));
  client.handle("BootNotification", ({ params }) => {
    report("boot", { params });
    const is_first = ++boots === 1;
    setTimeout(async () => {
      await call("ClearCache", {});
      if (is_first) await call("Reset", { type: "Soft" });
    }, 700);
    return { status: "Accepted", interval: 1, currentTime: new Date().toISOString() };
  });
  client.handle("StatusNotification", ({ params }) => { report("status", { params }); return {}; });
  client.handle("Heartbeat", () => { report("heartbeat"); return { currentTime: new Date().toISOString() }; });
  client.on("close", ({ code, reason }) => report("close", { code, reason }));
});
const http = await server.listen(Number(port), "127.0.0.1");
report("ready", { port: http.address().port });
