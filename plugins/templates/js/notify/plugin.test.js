import assert from 'node:assert/strict';
import { mock, test } from 'node:test';

import plugin from './plugin.js';
import { BadParams, Retry } from './sprag/index.js';
import { FakeSession, paramsOf } from './sprag/testing.js';

const EVENT = { event: 'released', project: 'diabetes' };

async function tell(status) {
  const network = mock.method(globalThis, 'fetch', async () => new Response(null, { status }));
  try {
    const params = paramsOf(plugin, { url: 'https://example.com/hook', secret: 'hook' });
    await plugin.notify(new FakeSession({ secrets: ['hook'] }), params, EVENT);
    return network.mock.calls[0].arguments;
  } finally {
    network.mock.restore();
  }
}

test('the event is sent with the secret', async () => {
  const [url, { method, headers, body }] = await tell(204);
  assert.deepEqual([url, method, JSON.parse(body)], ['https://example.com/hook', 'POST', EVENT]);
  assert.equal(headers.authorization, 'Bearer placeholder-of-hook');
});

test('a fault that passes is told from one that stays', async () => {
  await assert.rejects(tell(503), Retry);
  await assert.rejects(tell(404), BadParams);
});
