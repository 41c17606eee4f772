// A peer of the benchmark: npm ws. Usage: ws_client.mjs ROW URL CA_FILE COUNT    (see ../limit.cpp for the rows)
import {readFileSync} from 'node:fs';
import {createSecureContext} from 'node:tls';
import WebSocket from 'ws';

const [row, url, caFile, countText] = process.argv.slice(2);
const count = Number(countText);
const secureContext = createSecureContext({ca: readFileSync(caFile)});
const open = () => new WebSocket(url, {secureContext, perMessageDeflate: row === 'deflate', maxPayload: 0});
const report = (messages, sum) => process.stderr.write(JSON.stringify({count: messages, sum}) + '\n');
const closed = link => new Promise((done, fail) => link.on('close', done).on('error', fail));

function receive(link) {
  let messages = 0, sum = 0;
  link.on('open', () => link.send(JSON.stringify({role: 'bench'})));
  link.on('message', (data, isBinary) => {
    messages += 1;
    sum += isBinary ? data.readInt32LE(0) : data.length;
  });
  link.on('close', () => report(messages, sum));
}

// Lines are gathered until the event loop has delivered what came: one write for many of them.
function line(link) {
  let messages = 0, sum = 0, lines = '';
  const flush = () => {
    process.stdout.write(lines);
    lines = '';
  };
  link.on('open', () => link.send(JSON.stringify({role: 'bench'})));
  link.on('message', data => {
    const id = data.readInt32LE(0);
    const body = JSON.parse(data.toString('utf8', 4));
    if (lines === '') setImmediate(flush);
    lines += JSON.stringify({v: 1, time: new Date().toISOString(), session: 'bench', event: 'reply', reply: 'tick',
                             data: {id, body}}) + '\n';
    messages += 1;
    sum += id;
  });
  link.on('close', () => report(messages, sum));
}

function send(link) {
  let sent = 0;
  const more = () => {
    while (sent < count && link.bufferedAmount < 1 << 20) {
      const command = Buffer.allocUnsafe(5);
      command.writeInt32LE(sent & 0xffff, 0);
      command.writeInt8(1, 4);
      link.send(command);
      sent += 1;
    }
    if (sent < count) setImmediate(more);
  };
  link.on('open', more);
}

function echo(link) {
  const ping = Buffer.alloc(16);
  ping.writeInt32LE(1, 0);
  link.on('open', () => link.send(ping));
  link.on('message', () => link.send(ping));
}

if (row === 'handshake' || row === 'resumed') {
  for (let i = 0; i <= count; i++) await closed(open());
} else if (row === 'idle') {
  for (let i = 0; i < count; i++) await new Promise((done, fail) => open().on('open', done).on('error', fail));
  setInterval(() => {}, 1 << 30);
} else {
  const link = open();
  ({receive, deflate: receive, line, send, echo})[row](link);
  await closed(link);
}
