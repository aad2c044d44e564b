/** Tells of a release by posting the event to an address, as JSON. */

import { BadParams, Retry, notifier } from './sprag/index.js';

export default notifier({
  params: {
    url: { type: 'string', description: 'The address: the stage must be granted its origin.' },
    secret: { type: ['string', 'null'], default: null, description: 'The secret that goes along as a bearer token.' },
  },

  async notify(session, params, event) {
    const headers = { 'content-type': 'application/json' };
    if (params.secret !== null) headers.authorization = `Bearer ${session.placeholder(params.secret)}`;
    const answer = await fetch(params.url, { method: 'POST', headers, body: JSON.stringify(event) });
    if (answer.ok) {
      session.info(`told of \`${event.event}\` with status ${answer.status}`);
      return;
    }
    const found = `expected the event to be taken, found status ${answer.status}: ${(await answer.text()).slice(0, 300)}`;
    throw answer.status === 429 || answer.status >= 500 ? new Retry(found) : new BadParams(found);
  },
});
