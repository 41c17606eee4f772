// The table of sessions. It holds one part of them at a time, and changes only cells whose text has changed.

import {askJson} from './client.js';
import {dayOf, find, make, show, showFor, timeOf} from './page.js';
import {Plot} from './plot.js';

const SESSIONS_AN_ANSWER = 100;
const MOST_SESSIONS = 10_000;
const MOST_ROWS = 100;
const DAY_MS = 86_400_000;
const SOON_DAYS = 14;

const body = find('session-rows');
const filter = find('session-filter');
const onlyDown = find('only-down');
const upPlot = new Plot(find('overall-plots'), 'Sessions up');

let known = new Map();  // by name, in the order of the configuration
let cut = false;
let rows = new Map();
let first = 0;
let chosen = null;
let onChoice = () => {};

/** When a phase began: what was found before while it goes on, for requests do not always take the same time. */
function beginOf(session) {
  const before = known.get(session.session);
  const goesOn = before?.phase === session.phase && before.phase_seconds < session.phase_seconds;
  return goesOn ? before.begin : Date.now() - session.phase_seconds * 1000;
}

/** Asks for all sessions, in portions that neither the daemon nor this page is held up by. */
export async function refresh() {
  const found = new Map();
  let after;
  do {
    const query = `limit=${SESSIONS_AN_ANSWER}${after === undefined ? '' : `&after=${encodeURIComponent(after)}`}`;
    const answer = await askJson('GET', `api/v1/sessions?${query}`);
    showFor(answer.role);
    for (const session of answer.sessions) found.set(session.session, {...session, begin: beginOf(session)});
    after = answer.next;
  } while (after !== undefined && found.size < MOST_SESSIONS);
  known = found;
  cut = after !== undefined;
  const up = [...known.values()].filter((session) => session.phase === 'up').length;
  show(find('summary'), `${up} of ${known.size} sessions up${cut ? '; the daemon has more' : ''}`);
  upPlot.add(up);
  draw();
}

function certificateText(expires) {
  if (!expires) return '';
  const end = new Date(expires);
  const days = Math.floor((end - Date.now()) / DAY_MS);
  return `${dayOf(end)} (${days < 0 ? 'expired' : `${days} days`})`;
}

function isSoon(expires) {
  return Boolean(expires) && new Date(expires) - Date.now() < SOON_DAYS * DAY_MS;
}

export function causeText(session) {
  return session.cause ? `${session.cause.class}: ${session.cause.text}` : '';
}

export function attemptText(session) {
  return session.next_attempt_seconds === undefined ? '' : `in ${Math.ceil(session.next_attempt_seconds)} s`;
}

function textsOf(session) {
  return [
    session.phase,
    timeOf(new Date(session.begin)),
    causeText(session),
    attemptText(session),
    session.round_trip_ms === undefined ? '' : `${session.round_trip_ms.toFixed(1)} ms`,
    String(session.queued),
    String(session.unconfirmed),
    String(session.unsent_bytes),
    certificateText(session.certificate_expires),
  ];
}

function makeRow(name) {
  const row = make('tr');
  const head = make('th');
  head.scope = 'row';
  const button = make('button', name, 'name');
  button.type = 'button';
  button.addEventListener('click', () => choose(name));
  head.append(button);
  const cells = Array.from({length: 9}, () => make('td'));
  row.append(head, ...cells);
  return {row, button, cells};
}

function fill({row, button, cells}, session) {
  textsOf(session).forEach((text, index) => show(cells[index], text));
  const phaseClass = session.phase === 'up' ? 'up' : session.cause ? 'down' : '';
  if (cells[0].className !== phaseClass) cells[0].className = phaseClass;
  const certificateClass = isSoon(session.certificate_expires) ? 'down' : '';
  if (cells[8].className !== certificateClass) cells[8].className = certificateClass;
  const isChosen = session.session === chosen;
  if (row.classList.contains('chosen') !== isChosen) {
    row.classList.toggle('chosen', isChosen);
    button.ariaPressed = String(isChosen);
  }
}

function draw() {
  const part = filter.value.toLowerCase();
  const wanted = [...known.values()].filter((session) =>
    session.session.toLowerCase().includes(part) && !(onlyDown.checked && session.phase === 'up'));
  first = Math.max(0, Math.min(first, Math.floor((wanted.length - 1) / MOST_ROWS) * MOST_ROWS));
  const visible = wanted.slice(first, first + MOST_ROWS);
  const kept = new Map();
  let before = null;
  for (const session of visible) {
    const each = rows.get(session.session) ?? makeRow(session.session);
    kept.set(session.session, each);
    fill(each, session);
  }
  for (const [name, each] of rows) if (!kept.has(name)) each.row.remove();
  for (const {row} of kept.values()) {
    const place = before === null ? body.firstChild : before.nextSibling;
    if (place !== row) body.insertBefore(row, place);
    before = row;
  }
  rows = kept;
  show(find('range'), wanted.length === 0 ? 'none' : `${first + 1} to ${first + visible.length} of ${wanted.length}`);
  find('previous').disabled = first === 0;
  find('next').disabled = first + MOST_ROWS >= wanted.length;
}

function choose(name) {
  chosen = name;
  draw();
  onChoice(name);
}

function turn(by) {
  first += by;
  draw();
}

/** `take` gets the name of a session that was chosen. */
export function start(take) {
  onChoice = take;
  filter.addEventListener('input', draw);
  onlyDown.addEventListener('change', draw);
  find('previous').addEventListener('click', () => turn(-MOST_ROWS));
  find('next').addEventListener('click', () => turn(MOST_ROWS));
}
