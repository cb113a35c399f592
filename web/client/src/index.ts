// What the package has for applications.

export { MadangClient } from './client.js';
export { MadangError, type ClientCode } from './errors.js';
export { Outgoing, type OutgoingState } from './outbox.js';
export type { BackoffOptions } from './backoff.js';
export type { IterateOptions } from './iterate.js';
export type { State } from './link.js';
export type { Mark } from './marks.js';
export type { ClientEvents, ClientOptions, Content, Positions } from './options.js';
export type { RestArguments, Route } from './rest.js';
export type { Place, RoomView } from './rooms.js';
export type { WebSocketConstructor, WebSocketLike } from './socket.js';
export type { TokenFunction, TokenReason } from './tokens.js';
export type * from './generated.js';
