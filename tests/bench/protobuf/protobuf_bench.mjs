// What protobuf_bench.cpp does, with protobufjs: usage: protobuf_bench.mjs FOLDER, values on stdin.
import { readFileSync } from "node:fs";
import { join } from "node:path";
import protobuf from "protobufjs";

const ROUNDS = 5;
const SHORTEST = 100_000; // microseconds of a round

// Nanoseconds of processor time: the best of some rounds.
function cost(call) {
  let best = Infinity;
  for (let round = 0; round < ROUNDS; ++round) {
    const begin = process.cpuUsage();
    let calls = 0;
    let took = 0;
    for (let batch = 1; took < SHORTEST; batch *= 2) {
      for (let i = 0; i < batch; ++i) call();
      calls += batch;
      const used = process.cpuUsage(begin);
      took = used.user + used.system;
    }
    best = Math.min(best, (took / calls) * 1000);
  }
  return best;
}

const root = protobuf.loadSync(join(process.argv[2], "market.proto"));
const report = {};
for (const [message, values] of Object.entries(JSON.parse(readFileSync(0, "utf8")))) {
  const type = root.lookupType(message);
  const pack = () => type.encode(type.fromObject(values)).finish();
  const packet = pack();
  const unpack = () => JSON.stringify(type.toObject(type.decode(packet), { longs: Number, enums: String }));
  report[message] = { bytes: packet.length, values: JSON.parse(unpack()), pack: cost(pack), unpack: cost(unpack) };
}
console.log(JSON.stringify(report));
