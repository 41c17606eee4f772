// What the servers of the cookbook's tests share: one JSON line for everything that they see.
export const report = (what, fields = {}) => process.stdout.write(JSON.stringify({ what, ...fields }) + "\n");

export const listen = (server, port) =>
  server.listen(Number(port), "127.0.0.1", () => report("ready", { port: server.address().port }));
