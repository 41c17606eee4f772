// A form for each command, made from the fields of its layout. Values go into the request as they were written:
// numbers of 64 bits are not JavaScript's.

import {ask, askJson, pathOf} from './client.js';
import {find, make, show} from './page.js';

const WAIT_S = 30;
const ANSWER_WITHIN_MS = (WAIT_S + 10) * 1000;
const MOST_COMMANDS = 1000;
const NUMBER = '-?(0|[1-9][0-9]*)([.][0-9]+)?([eE][+\\-]?[0-9]+)?';

const form = find('command-form');
const list = find('command');
const fields = find('fields');
const state = find('command-state');
const answer = find('command-answer');

let session = null;
let known = [];
let inputs = [];  // {name, input, field}

function jsonText(value) {
  return value === undefined ? '' : JSON.stringify(value);
}

function makeInput(field, example) {
  if (field.type === 'boolean') {
    const input = make('select');
    for (const word of field.required ? ['true', 'false'] : ['', 'true', 'false']) {
      const option = make('option', word || 'left out');
      option.value = word;
      input.append(option);
    }
    return input;
  }
  const isLong = field.fields !== undefined || field.type === 'list' || field.whole;
  const input = make(isLong ? 'textarea' : 'input');
  if (isLong && field.required) input.value = jsonText(example);
  if (!isLong) input.placeholder = typeof example === 'string' ? example : jsonText(example);
  if (field.type === 'number') {
    input.inputMode = 'decimal';
    input.pattern = NUMBER;
    input.title = 'A number';
  }
  // A text may be empty.
  input.required = Boolean(field.required) && field.type !== 'text';
  input.autocomplete = 'off';
  return input;
}

function hintOf(field) {
  const kind = field.bytes ? `${field.bytes} digits` : field.type === 'any' && !field.whole ? 'JSON, or else a text'
    : ['map', 'list', 'tuple'].includes(field.type) || field.whole ? 'JSON' : field.type;
  return `${kind}${field.required ? '' : ', may be left out'}`;
}

function addField(name, field, example) {
  const line = make('div', '', 'field');
  const label = make('label', name);
  const input = makeInput(field, example);
  input.id = `field-${inputs.length}`;
  label.htmlFor = input.id;
  const hint = make('span', ` (${hintOf(field)})`, 'hint');
  label.append(hint);
  line.append(label, input);
  fields.append(line);
  inputs.push({name, input, field});
}

function drawFields() {
  fields.replaceChildren();
  inputs = [];
  const command = known[list.selectedIndex];
  if (!command) return;
  if (command.open) {
    addField('with', {type: 'any', required: true, whole: true}, command.example);
  } else {
    for (const field of command.fields)
      if (field.constant === undefined || field.required) addField(field.name, field, command.example?.[field.name]);
  }
}

/** The value as JSON text; nothing if it is left out. Says at the input what is wrong with it. */
function valueOf({input, field}) {
  const text = input.value;
  if (text === '' && !field.required) return undefined;
  if (field.type === 'number' || field.type === 'boolean') return text.trim();
  if (field.type === 'text') return JSON.stringify(text);
  try {
    JSON.parse(text);
    return text;
  } catch (error) {
    if (field.type === 'any' && !field.whole) return JSON.stringify(text);
    input.setCustomValidity(`This is not JSON: ${error.message}`);
    return undefined;
  }
}

function bodyOf(command) {
  const values = inputs.map((each) => [each.name, valueOf(each)]).filter(([, value]) => value !== undefined);
  const given = command.open ? values[0]?.[1] ?? 'null'
    : `{${values.map(([name, value]) => `${JSON.stringify(name)}:${value}`).join(',')}}`;
  return `{"command":${JSON.stringify(command.command)},"with":${given}}`;
}

async function send() {
  const to = session;
  const command = known[list.selectedIndex];
  for (const {input} of inputs) input.setCustomValidity('');
  const body = bodyOf(command);
  if (!form.reportValidity()) return;
  const button = find('send');
  button.disabled = true;
  show(state, 'Sent; waiting for its end …');
  answer.hidden = true;
  try {
    const text = await ask('POST', `${pathOf(to)}/commands?timeout=${WAIT_S}`, {body, limit: ANSWER_WITHIN_MS});
    const fate = JSON.parse(text);
    show(state, `${command.command}: ${fate.state}${fate.ended ? '' : ', not at its end yet'}`);
    show(answer, text);
    answer.hidden = false;
  } catch (error) {
    show(state, `${command.command} was not sent, or its fate is not known: ${error.message}`);
  }
  button.disabled = false;
}

export async function load(name) {
  session = name;
  known = [];
  list.replaceChildren();
  drawFields();
  show(state, '');
  answer.hidden = true;
  const found = await askJson('GET', `${pathOf(name)}/commands`);
  if (session !== name) return;
  known = found.commands.slice(0, MOST_COMMANDS);
  list.append(...known.map((each) => make('option', each.command)));
  const none = known.length === 0;
  list.disabled = none;
  find('send').disabled = none;
  find('no-commands').hidden = !none;
  drawFields();
}

export function start() {
  list.addEventListener('change', drawFields);
  form.addEventListener('submit', (event) => {
    event.preventDefault();
    void send();
  });
  form.noValidate = true;  // `send` asks for it when it has looked at the values
}
