// npm's obs-websocket-js as a client: logs in, asks one request, prints the answer, leaves.
import OBSWebSocket from "obs-websocket-js/json";

const [url, password, request] = process.argv.slice(2);
const obs = new OBSWebSocket();
const { negotiatedRpcVersion } = await obs.connect(url, password);
const answer = await obs.call(request);
console.log(JSON.stringify({ negotiatedRpcVersion, answer }));
await obs.disconnect();
