// What an application may write, and what it may not: checked by the compiler, never run.
import { MadangClient, MadangError, type Message, type Positions, type RoomView } from '@madang/client';

const client = new MadangClient({
  url: 'https://chat.example.com',
  token: async (reason) => (reason === 'refused' ? 'another' : 'token'),
  positions: JSON.parse('{}') as Positions,
});

const off: () => void = client.on('message', (message, outgoing) => {
  const text: string = message.text;
  const replaced: string | undefined = outgoing?.clientId;
  console.log(text, replaced, message.subjects?.[0]?.name);
});
off();

client.on('room', (event) => {
  if (event.change === 'left' || event.change === 'hidden') {
    // @ts-expect-error: of a room that is not shown any more only the id is told
    console.log(event.room.title);
  } else console.log(event.room.title);
});

// @ts-expect-error: there is no such event
client.on('massage', () => {});

async function all(): Promise<void> {
  await client.connect();
  const rooms: RoomView[] = client.rooms;
  const { seq } = await client.send('room', { text: 'hi', data: { any: ['json'] } }).accepted;
  client.edit('room', seq, { text: 'better' });
  const page = await client.rest('GET /rooms/{id}/messages', { id: 'room', before: seq });
  const first: Message | undefined = page.messages[0];
  if (first) client.markRead('room', first);
  // @ts-expect-error: the route needs an id
  await client.rest('GET /rooms/{id}/messages', {});
  // @ts-expect-error: the route needs a body
  await client.rest('PUT /rooms/{id}/read', { id: 'room' });
  // @ts-expect-error: there is no such route
  await client.rest('GET /nothing', {});
  await client.rest('POST /rooms', {}, { kind: 'direct', members: ['lee@example.com'] });
  for await (const { text } of client.messages('room', { after: 0 })) console.log(rooms, text);
}

all().catch((error: unknown) => {
  if (error instanceof MadangError && !error.retryable) console.error(error.code);
});
