// The chosen session: why it is down, its rates as plots, and what can be done with it.

import {askJson, pathOf, Refusal} from './client.js';
import * as commands from './commands.js';
import {find, make, show} from './page.js';
import {Plot, shortNumber} from './plot.js';
import {attemptText, causeText} from './sessions.js';

const MOST_COUNTS = 200;

const section = find('chosen');
const counts = find('counts');
const result = find('action-result');
const plots = {
  replies: new Plot(find('plots'), 'Replies a second'),
  received: new Plot(find('plots'), 'Bytes received a second'),
  sent: new Plot(find('plots'), 'Messages sent a second'),
  roundTrip: new Plot(find('plots'), 'Round trip in ms'),
  waiting: new Plot(find('plots'), 'Commands that wait'),
};

let name = null;
let last = null;  // what the counters were, and when

function totals(session) {
  return {
    at: performance.now(),
    replies: Object.values(session.replies).reduce((sum, count) => sum + count, 0),
    received: session.counts.received_bytes,
    sent: session.counts.sent_messages,
  };
}

/** Nothing is known after the first answer, and after one of a daemon that has been restarted. */
function rate(what, now) {
  const difference = last === null ? -1 : now[what] - last[what];
  return difference < 0 ? null : difference * 1000 / Math.max(1, now.at - last.at);
}

function drawPlots(session) {
  const now = totals(session);
  for (const what of ['replies', 'received', 'sent']) plots[what].add(rate(what, now));
  plots.roundTrip.add(session.round_trip_ms ?? null);
  plots.waiting.add(session.queued + session.unconfirmed);
  last = now;
}

function drawCounts(session) {
  const all = [
    ...Object.entries(session.counts).map(([key, value]) => [key.replaceAll('_', ' '), value]),
    ...Object.entries(session.replies).map(([key, value]) => [`reply ${key}`, value]),
  ].slice(0, MOST_COUNTS);
  while (counts.children.length > all.length) counts.lastChild.remove();
  all.forEach(([title, value], index) => {
    if (index === counts.children.length) {
      const line = make('div');
      line.append(make('dt'), make('dd'));
      counts.append(line);
    }
    const [term, number] = counts.children[index].children;
    show(term, title);
    show(number, shortNumber(value));
  });
}

function stateText(session) {
  const cause = causeText(session);
  const attempt = attemptText(session);
  return `It is ${session.phase}.${cause ? ` The last failure: ${cause}.` : ''}${attempt ? ` It connects again ${attempt}.` : ''}`;
}

export async function refresh() {
  if (name === null) return;
  const asked = name;
  try {
    const session = await askJson('GET', pathOf(asked));
    if (asked !== name) return;
    show(find('chosen-state'), stateText(session));
    drawPlots(session);
    drawCounts(session);
  } catch (error) {
    if (!(error instanceof Refusal && error.status === 404)) throw error;
    show(find('chosen-state'), 'A reload of the configuration has removed it.');
  }
}

async function act(what) {
  const to = name;
  show(result, '');
  try {
    const session = await askJson('POST', `${pathOf(to)}/${what}`);
    show(result, `${what}: done, ${to} is ${session.phase}`);
    await refresh();
  } catch (error) {
    show(result, `${what}: not done: ${error.message}`);
  }
}

export async function choose(chosen) {
  name = chosen;
  last = null;
  for (const plot of Object.values(plots)) plot.clear();
  show(find('chosen-title'), `Session ${name}`);
  show(find('chosen-state'), '');
  show(result, '');
  section.hidden = false;
  find('chosen-title').focus();
  await Promise.all([refresh(), commands.load(name)]);
}

export function start() {
  for (const button of section.querySelectorAll('[data-action]'))
    button.addEventListener('click', () => act(button.dataset.action));
  commands.start();
}
