// Two agents claim a waiting room at once, many times over: one wins, the other is told.
import assert from 'node:assert/strict';
import { Person, run, sign } from './support.mjs';

const ROUNDS = Number(process.env.ROUNDS);

const agents = ['lee', 'park'].map(
  (name, at) => new Person(name, sign({ sub: `race-${name}@desk`, id: at, auth: 'ROLE_ADMIN' }), 7),
);

/** Resolves to whether the agent got the room. */
async function claim(agent, room) {
  const won = agent.subscribe(room).then(() => true);
  const lost = agent.errors.take('an ERROR').then((error) => {
    assert.equal(error.headers.code, 'CHAT-409');
    return false;
  });
  // The one that does not come is never waited for again: each round has a fresh connection.
  won.catch(() => {});
  lost.catch(() => {});
  return Promise.race([won, lost]);
}

await run(async () => {
  const wins = { lee: 0, park: 0 };
  for (let round = 0; round < ROUNDS; round += 1) {
    const email = `race-${round}@example.com`;
    const customer = new Person('customer', sign({ sub: email, id: round, auth: 'ROLE_USER' }));
    await customer.connect();
    await customer.subscribe(`/sub/chat/room/${email}`);
    const pair = agents.map((agent) => new Person(agent.name, agent.token));
    await Promise.all(pair.map((agent) => agent.connect()));
    const results = await Promise.all(pair.map((agent) => claim(agent, `/sub/chat/room/${email}`)));
    assert.equal(results.filter(Boolean).length, 1, `round ${round}: ${results}`);
    const winner = pair[results.indexOf(true)];
    wins[winner.name] += 1;
    const mine = await winner.rest('GET', '/admin/chats/my-rooms');
    assert.ok(mine.body.data.some((room) => room.roomId === email));
    for (const person of [customer, ...pair]) person.disconnect();
  }
  console.log(`wins ${JSON.stringify(wins)}`);
});
