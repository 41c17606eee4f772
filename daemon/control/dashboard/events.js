// Events as they happen. Bounded: what comes faster than it can be shown is counted and passed over.

import {open} from './client.js';
import {find, make, pause, show, timeOf} from './page.js';

const MOST_EVENTS = 300;       // kept on the page
const MOST_AT_ONCE = 100;      // added in one go
const DRAW_EVERY_MS = 250;
const MOST_CHARACTERS = 2000;  // shown of one event
const LONGEST_LINE = 1 << 20;
const AGAIN_AFTER_MS = 2000;

const list = find('events');
const state = find('events-state');
const button = find('follow');
const text = find('event-text');

let following = null;  // ends the present stream
let fresh = [];
let came = 0;
let passed = 0;
let drawing = false;
let trouble = '';

function hasText(line) {
  return text.value === '' || line.toLowerCase().includes(text.value.toLowerCase());
}

function makeItem(line) {
  const item = make('li');
  const shown = line.length > MOST_CHARACTERS ? `${line.slice(0, MOST_CHARACTERS)} …` : line;
  if (line.length < MOST_CHARACTERS) {
    try {
      const event = JSON.parse(line);
      if (event.time) item.append(make('time', timeOf(new Date(event.time))), ' ');
      item.append(make('b', [event.session, event.event, event.reply].filter(Boolean).join(' ')), ' ');
    } catch {
      // It is shown as it is.
    }
  }
  item.append(shown);
  return item;
}

function draw() {
  drawing = false;
  if (fresh.length > MOST_AT_ONCE) {
    passed += fresh.length - MOST_AT_ONCE;
    fresh = fresh.slice(-MOST_AT_ONCE);
  }
  list.prepend(...fresh.reverse().map(makeItem));
  fresh = [];
  while (list.children.length > MOST_EVENTS) list.lastChild.remove();
  show(state, `${following ? 'Following.' : 'Not followed.'}${trouble}`);  // read out, the numbers are not
  show(find('events-count'),
       `${came} came${passed ? `, ${passed} were passed over: they came faster than they can be shown` : ''}.`);
}

function drawSoon() {
  if (drawing) return;
  drawing = true;
  setTimeout(draw, DRAW_EVERY_MS);
}

function take(line) {
  ++came;
  if (hasText(line)) fresh.push(line);
  if (fresh.length > 2 * MOST_AT_ONCE) passed += fresh.splice(0, MOST_AT_ONCE).length;
  drawSoon();
}

async function read(stream) {
  const reader = stream.pipeThrough(new TextDecoderStream()).getReader();
  let rest = '';
  let tooLong = false;
  for (;;) {
    const {done, value} = await reader.read();
    if (done) return;
    const lines = (rest + value).split('\n');
    rest = lines.pop();
    for (const line of lines) {
      if (!tooLong) take(line);
      tooLong = false;
    }
    if (rest.length > LONGEST_LINE) {
      if (!tooLong) take(rest.slice(0, MOST_CHARACTERS));
      tooLong = true;
      rest = '';
    }
    await pause(0);  // for the page to draw and to hear the user
  }
}

async function follow() {
  const mine = new AbortController();
  following = mine;
  button.ariaPressed = 'true';
  const query = new URLSearchParams();
  if (find('event-session').value) query.set('session', find('event-session').value);
  if (find('event-reply').value) query.set('reply', find('event-reply').value);
  const path = `api/v1/events?${query}`.replaceAll('+', '%20');
  while (following === mine) {
    try {
      const answer = await open('GET', path, {signal: mine.signal});
      trouble = '';
      drawSoon();
      await read(answer.body);
      trouble = ' The daemon has ended the stream; asking again.';
    } catch (error) {
      if (following !== mine) return;
      trouble = ` Events cannot be had: ${error.message}.`;
      if (error.status === 401 || error.status === 404) stop();
    }
    drawSoon();
    if (following === mine) await pause(AGAIN_AFTER_MS);
  }
}

function stop() {
  following?.abort();
  following = null;
  button.ariaPressed = 'false';
  drawSoon();
}

/** Follows the events of this session once the user asks for it. */
export function propose(session) {
  if (!following) find('event-session').value = session;
}

export function start() {
  find('events-form').addEventListener('submit', (event) => {
    event.preventDefault();
    trouble = '';
    if (following) stop();
    else void follow();
  });
  for (const id of ['event-session', 'event-reply']) {
    find(id).addEventListener('change', () => {
      if (!following) return;
      stop();
      void follow();
    });
  }
  text.addEventListener('input', () => {
    for (const item of list.children) item.hidden = !hasText(item.textContent);
  });
  find('clear').addEventListener('click', () => {
    list.replaceChildren();
    came = 0;
    passed = 0;
    draw();
  });
}
