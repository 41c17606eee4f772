// Keeps the page as the daemon is: asks every two seconds while somebody can see it.

import {hasToken, Refusal, useToken} from './client.js';
import * as events from './events.js';
import {find, pause, show} from './page.js';
import * as session from './session.js';
import * as sessions from './sessions.js';

const ASK_EVERY_MS = 2000;

const problem = find('problem');
const tokenForm = find('token-form');

function showProblem(text) {
  show(problem, text);
  problem.hidden = text === '';
}

/** Until the user has given a token. */
async function askForToken() {
  showProblem(hasToken() ? 'The daemon refuses this token. It is neither what control.token nor what control.view_token stands for.' : '');
  show(find('summary'), 'A token is required.');
  tokenForm.hidden = false;
  find('token').focus();
  await new Promise((given) => {
    tokenForm.onsubmit = (event) => {
      event.preventDefault();
      given();
    };
  });
  useToken(find('token').value);
  find('token').value = '';
  tokenForm.hidden = true;
  find('main').focus();
}

function textOf(error) {
  if (error instanceof Refusal) return `The daemon refused: ${error.message}.`;
  if (error.name === 'TimeoutError') return 'The daemon does not answer in time. Asking again.';
  return `The daemon cannot be reached: ${error.message}. Asking again. What is shown may be old.`;
}

async function keepUp() {
  for (;;) {
    try {
      if (!document.hidden) {
        await sessions.refresh();
        await session.refresh();
        showProblem('');
      }
    } catch (error) {
      if (error.status === 401) {
        await askForToken();
        continue;
      }
      showProblem(textOf(error));
    }
    await pause(ASK_EVERY_MS);
  }
}

session.start();
events.start();
sessions.start((name) => {
  events.propose(name);
  session.choose(name).catch((error) => showProblem(textOf(error)));
});
void keepUp();
