// Generated from docs/reference/asyncapi.json and openapi.json by scripts/generate.mjs. Do not edit.

/** A message that is durable. */
export type Accepted = {
  /** Unique among all messages. */
  messageId: string;
  /** Its place in the room's log. */
  position: string;
  /** Where it is. */
  room: string;
  /** When the server took it: RFC 3339, UTC, microseconds. */
  sentAt: string;
  /** Its number in the room. */
  seq: number;
};

/** What a client of the JSON door says. */
export type ClientCommand = CommandAuth | CommandSend | CommandRead | CommandTyping | CommandResume | CommandPing;

/**
 * Who it is. Must be the first message when the handshake had no token; has no answer but
 * `hello`. An error closes the connection.
 */
export type CommandAuth = {
  id?: CommandId;
  /** The host application's token. */
  token: string;
  type: "auth";
};

/** The client's own name for the command; its answer has the same. Without it only failures are told. */
export type CommandId = string | number;

/** Asks for `pong`. */
export type CommandPing = {
  id?: CommandId;
  type: "ping";
};

/** The user has read a room up to a position. Others are told with `read`. */
export type CommandRead = {
  id?: CommandId;
  /** The `position` of the last message read. */
  position: string;
  /** Which room. */
  room: string;
  type: "read";
};

/**
 * Has rooms continue right after positions of an earlier connection. Live messages of these
 * rooms that came before the `ack` come again in their place after it: a client drops what it
 * got of them before.
 */
export type CommandResume = {
  id?: CommandId;
  /** By room: the `position` of the last message that the client has. */
  positions: Record<string, string>;
  type: "resume";
};

/**
 * A message for a room. Sending to one's own support room opens it. Answered with `ack` once
 * the message is durable.
 */
export type CommandSend = {
  /**
   * The sender's own name for the message, unique among theirs in this room: sending again
   * with it is safe.
   */
  clientId?: string | null;
  id?: CommandId;
  /** Where it goes. */
  room: string;
  /** 1 to 16384 bytes of UTF-8. */
  text: string;
  type: "send";
};

/** The user writes a message, or has stopped. Others are told with `typing`. */
export type CommandTyping = {
  /** `false`: stopped. */
  active: boolean;
  id?: CommandId;
  /** Which room. */
  room: string;
  type: "typing";
};

/** Whose room it is, as last seen in their token. */
export type Customer = {
  /** The user id. */
  id: string;
  /** The host's own number for the customer, if their token has one. */
  memberId?: string | null;
  /** The name to show. */
  name: string;
};

/** What went wrong. */
export type DeskErrorBody = {
  code: DeskErrorCode;
  /** What exactly is wrong. */
  message: string;
  /** Whether the same command can succeed later without being changed. */
  retryable: boolean;
};

/**
 * What contract 1 calls what went wrong.
 *
 * | code | meaning | retryable | close code |
 * |---|---|---|---|
 * | `UNAUTHORIZED` | 로그인이 필요합니다. | no | 1008 |
 * | `CHAT-403` | 채팅방에 접근할 수 없습니다. | no | 1008 |
 * | `CHAT-400` | 유효하지 않은 채팅방입니다. | no | 1008 |
 * | `NOT_FOUND` | 요청한 자원을 찾을 수 없습니다. | no | 1008 |
 * | `METHOD_NOT_ALLOWED` | 지원하지 않는 메서드입니다. | no | 1008 |
 * | `CHAT-409` | 이미 채팅이 배정되었습니다. | no | 1008 |
 * | `BAD_REQUEST` | 유효하지 않은 메시지입니다. | no | 1007 |
 * | `PAYLOAD_TOO_LARGE` | 요청이 너무 큽니다. | no | 1009 |
 * | `TOO_MANY_REQUESTS` | 잠시 후 다시 시도해 주세요. | yes | 1008 |
 * | `REQUEST_TIMEOUT` | 잠시 후 다시 시도해 주세요. | yes | 1002 |
 * | `SERVICE_UNAVAILABLE` | 잠시 후 다시 시도해 주세요. | yes | 1012 |
 * | `INTERNAL_SERVER_ERROR` | 서버 오류가 발생했습니다. | yes | 1011 |
 */
export type DeskErrorCode = "UNAUTHORIZED" | "CHAT-403" | "CHAT-400" | "NOT_FOUND" | "METHOD_NOT_ALLOWED" | "CHAT-409" | "BAD_REQUEST" | "PAYLOAD_TOO_LARGE" | "TOO_MANY_REQUESTS" | "REQUEST_TIMEOUT" | "SERVICE_UNAVAILABLE" | "INTERNAL_SERVER_ERROR";

/** The body of a STOMP ERROR. */
export type DeskErrorEnvelope = {
  error: DeskErrorBody;
};

/** A chat message of this contract: the body of a MESSAGE and one element of a history page. */
export type DeskMessage = {
  /** The text. */
  message: string;
  /** The customer's e-mail. */
  roomId: string;
  /** ISO local date-time with six digits of fraction, without an offset. */
  sendDate: string;
  /** The customer's e-mail, or the agents' display name. */
  sender: string;
};

/** The body of a SEND of this contract. */
export type DeskSend = {
  /** 1 to 16384 bytes of UTF-8. */
  message: string;
  /** The customer's e-mail. */
  roomId: string;
};

/** A message as contract 3's clients get it, once per recipient. */
export type DirectMessage = DirectMessageBody & {
  /** Who gets it. */
  receiveUserId: string;
};

/** What all recipients of a message get in contract 3. */
export type DirectMessageBody = {
  /** The room it is in. */
  channelId: string;
  /** The text. */
  content: string;
  /** Who sent it. */
  sendUserId: string;
  /** When the server took it: RFC 3339, UTC, microseconds. */
  sentAt: string;
  /** Its number in the room. */
  seq: number;
};

/** What went wrong. */
export type ErrorBody = {
  code: ErrorCode;
  /** What exactly is wrong. */
  message: string;
  /** Whether the same command can succeed later without being changed. */
  retryable: boolean;
};

/**
 * Stable name of what went wrong, the same at every door. A retryable request may be sent again as it is.
 *
 * | code | meaning | retryable | close code |
 * |---|---|---|---|
 * | `AUTHENTICATION_REQUIRED` | authentication is required | no | 1008 |
 * | `TOKEN_INVALID` | the token is not valid | no | 1008 |
 * | `TOKEN_EXPIRED` | the token has expired | no | 1008 |
 * | `TOKEN_REVOKED` | the token was revoked | no | 1008 |
 * | `CREDENTIALS_INVALID` | login or passcode is wrong | no | 1008 |
 * | `AGENTS_ONLY` | this is for agents only | no | 1008 |
 * | `NOT_YOUR_ROOM` | you have no access to this room | no | 1008 |
 * | `PUBLISH_FORBIDDEN` | you may not publish to this destination | no | 1008 |
 * | `SUBSCRIBE_FORBIDDEN` | you may not subscribe to this destination | no | 1008 |
 * | `SCOPE_MISSING` | this needs a scope that the caller does not have | no | 1008 |
 * | `ORIGIN_FORBIDDEN` | this origin is not allowed | no | 1008 |
 * | `ROOM_NOT_FOUND` | there is no such room | no | 1008 |
 * | `NOT_FOUND` | nothing is served here | no | 1008 |
 * | `METHOD_NOT_ALLOWED` | this method is not allowed here | no | 1008 |
 * | `ROOM_TAKEN` | the room is assigned to another agent | no | 1008 |
 * | `ROOM_NOT_WAITING` | the room is not waiting for an agent | no | 1008 |
 * | `MESSAGE_INVALID` | the message is not valid | no | 1007 |
 * | `BODY_INVALID` | the body is not valid | no | 1007 |
 * | `PARAMETER_INVALID` | a parameter is not valid | no | 1008 |
 * | `POSITION_INVALID` | the position is not valid | no | 1008 |
 * | `FRAME_INVALID` | the frame is not valid | no | 1002 |
 * | `WEBSOCKET_INVALID` | the WebSocket frame is not valid | no | 1002 |
 * | `VERSION_UNSUPPORTED` | no common protocol version | no | 1002 |
 * | `TOO_LARGE` | larger than the limit | no | 1009 |
 * | `TOO_MANY` | more than the limit | yes | 1008 |
 * | `HEART_BEAT_MISSED` | no heart-beat arrived in time | yes | 1002 |
 * | `CONNECT_TIMEOUT` | the client did not say who it is in time | yes | 1002 |
 * | `SLOW_CONSUMER` | the client reads too slowly | yes | 1008 |
 * | `DRAINING` | the server is restarting | yes | 1012 |
 * | `OVERLOADED` | the server is overloaded | yes | 1013 |
 * | `UNAVAILABLE` | the service is unavailable | yes | 1013 |
 * | `INTERNAL` | an internal error | yes | 1011 |
 */
export type ErrorCode = "AUTHENTICATION_REQUIRED" | "TOKEN_INVALID" | "TOKEN_EXPIRED" | "TOKEN_REVOKED" | "CREDENTIALS_INVALID" | "AGENTS_ONLY" | "NOT_YOUR_ROOM" | "PUBLISH_FORBIDDEN" | "SUBSCRIBE_FORBIDDEN" | "SCOPE_MISSING" | "ORIGIN_FORBIDDEN" | "ROOM_NOT_FOUND" | "NOT_FOUND" | "METHOD_NOT_ALLOWED" | "ROOM_TAKEN" | "ROOM_NOT_WAITING" | "MESSAGE_INVALID" | "BODY_INVALID" | "PARAMETER_INVALID" | "POSITION_INVALID" | "FRAME_INVALID" | "WEBSOCKET_INVALID" | "VERSION_UNSUPPORTED" | "TOO_LARGE" | "TOO_MANY" | "HEART_BEAT_MISSED" | "CONNECT_TIMEOUT" | "SLOW_CONSUMER" | "DRAINING" | "OVERLOADED" | "UNAVAILABLE" | "INTERNAL";

/** The body of a STOMP ERROR. */
export type ErrorEnvelope = {
  /** What went wrong. */
  error: ErrorBody;
};

/** A command was done. */
export type EventAck = ((Partial<Accepted> & ({
  id?: CommandId;
  /** Of `resume`: which rooms are not the caller's; nothing comes of them. */
  unknown?: string[] | null;
}))) & {
  id?: CommandId;
  type: "ack";
};

/**
 * A command failed and nothing was done. The connection stays open, unless the message was no
 * JSON object, or what failed was `auth` or a limit.
 */
export type EventError = {
  /** What went wrong. */
  error: ErrorBody;
  id?: CommandId;
  type: "error";
};

/** The first event: who the user is and which rooms are theirs. */
export type EventHello = {
  /** All of the user's rooms. */
  rooms: LiveRoom[];
  /** Names the connection in the server's log. */
  session: string;
  type: "hello";
  /** The user's id. */
  user: string;
};

/** A message was accepted in one of the rooms. In order and without a hole in each room. */
export type EventMessage = {
  /** As REST shows it. */
  message: Message;
  type: "message";
};

/** What the host published to `/user/{id}/…` for this user. Transient: never stored. */
export type EventNotification = {
  /** The body as text. */
  body: string;
  /** Where it was published, without the user. */
  destination: string;
  /** The publisher's own headers; of a repeated one the first. */
  headers: Record<string, string>;
  /** Unique among notifications. */
  id: string;
  type: "notification";
};

/** The answer to `ping`. */
export type EventPong = {
  id?: CommandId;
  type: "pong";
};

/** Somebody has read the room up to a position. Transient: may be lost. */
export type EventRead = {
  /** Up to where. */
  position: string;
  /** Which room. */
  room: string;
  type: "read";
  /** Who. */
  user: string;
};

/** Part of what was asked for is gone from the room's log; what is kept follows. */
export type EventReset = {
  /** The newest. */
  head: string;
  /** The oldest message that is kept. */
  oldest: string;
  /** Which room. */
  room: string;
  type: "reset";
};

/** A room became, ceased to be, or changed as one of the user's. Told at once. */
export type EventRoom = (({
  change: "joined";
  /** The room. */
  room: LiveRoom;
} | {
  change: "changed";
  /** The room as it stands. */
  room: LiveRoom;
} | {
  change: "left";
  /** The room, if it still is one. */
  room: LeftRoom;
})) & {
  type: "room";
};

/** Somebody else writes a message, or has stopped. Transient: forget it after some seconds. */
export type EventTyping = {
  /** `false`: stopped. */
  active: boolean;
  /** The name to show. */
  name: string;
  /** Which room. */
  room: string;
  type: "typing";
  /** Who. */
  user: string;
};

/** The bounds of a room's log. */
export type Head = {
  /** The newest message; 0 while there is none. */
  lastSeq: number;
  /** The oldest message still kept; `lastSeq + 1` when none is. */
  oldestSeq: number;
  /** After the newest message, opaque: subscribe with it as `since` to get what comes next. */
  position: string;
};

/** A room that is not the user's any more. */
export type LeftRoom = {
  /** Which. */
  id: string;
};

/** A room, and from where on its messages come. */
export type LiveRoom = Room & {
  /**
   * Where its live stream on this connection begins: the first message after it is the first
   * that comes.
   */
  position: string;
};

/** A message, as clients see it. */
export type Message = {
  /** The sender's own name for it, if it gave one. */
  clientId?: string | null;
  /** Unique among all messages, also across rooms that were deleted and made again. */
  messageId: string;
  /** Its place in the room's log, opaque: hand it back as `since` to resume after it. */
  position: string;
  /** The room it is in. */
  roomId: string;
  /** Who sent it. */
  sender: Sender;
  /** When the server took it: RFC 3339, UTC, microseconds. */
  sentAt: string;
  /** Its number in the room: 1, 2, 3 … without gaps. */
  seq: number;
  /** The text. */
  text: string;
};

/** Part of a room's log. */
export type Messages = {
  /** Whether more are kept in the direction of reading. */
  hasMore: boolean;
  /** The log's bounds at the moment of reading. */
  head: Head;
  /** In rising order of `seq`, consecutive. */
  messages: Message[];
};

/** The subscription is over: the room is gone, or the right to read it. */
export type NoticeEnded = {
  code: ErrorCode;
  type: "ended";
};

/** Part of what `since` asked for is gone; what is kept follows. */
export type NoticeReset = {
  /** The newest. */
  head: string;
  /** The oldest message that is kept. */
  oldest: string;
  type: "reset";
};

/** Which room to open. */
export type OpenRoom = {
  kind: RoomKind;
};

/** A person as others see them. */
export type Person = {
  /** The user id. */
  id: string;
  /** The name to show. */
  name: string;
};

/** Problem details (RFC 9457) of a request that was not done. */
export type Problem = {
  assignee?: Person | null;
  /** Stable name of this kind of problem. */
  code: string;
  /** What exactly is wrong. */
  detail: string;
  /** Whether the same request can succeed later without being changed. */
  retryable: boolean;
  /** The HTTP status. */
  status: number;
  /** What this kind of problem is. */
  title: string;
  /** Where this kind of problem is explained, relative to the server. */
  type: string;
};

/** A message for an application topic, with exactly one of `body` and `json`. */
export type PublishMessage = {
  /** The body as text: to `stomp.body_bytes_max` bytes of UTF-8. */
  body?: string | null;
  /**
   * The header `content-type`. `application/json` when missing beside `json`, none beside
   * `body`.
   */
  contentType?: string | null;
  /**
   * A topic (`/topic/…`, `/queue/…`), or one of a user's own (`/user/{id}/queue/…`; a slash
   * in the id is `%2F`).
   */
  destination: string;
  /** Headers for the subscribers: 32 at most, names to 128 bytes and values to 1024. */
  headers?: Record<string, string>;
  /** The body as any JSON, which goes out as it is written here. */
  json?: unknown;
};

/** Several messages: 1 to 100, which are published in this order, all of them or none. */
export type PublishMessages = {
  messages: PublishMessage[];
};

/** One message, or several. */
export type PublishRequest = PublishMessage | PublishMessages;

/** Messages that were handed on. */
export type Published = {
  /** The `message-id` of each, in the order of the request. */
  ids: string[];
};

/** A room. */
export type Room = {
  assignee?: Person | null;
  /** When this life of the room began: RFC 3339, UTC. */
  createdAt: string;
  customer: Customer;
  head: Head;
  /** A support room has its customer's user id. */
  id: string;
  /** Since when the customer has been asking: RFC 3339, UTC. */
  inquiredAt: string;
  kind: RoomKind;
  state: RoomState;
};

/** What a room is for. */
export type RoomKind = "support";

/** The body of a native SEND. */
export type RoomSend = {
  /** 1 to 16384 bytes of UTF-8. */
  text: string;
};

/** Where a support room stands. */
export type RoomState = "waiting" | "assigned" | "completed";

/** Several rooms. */
export type Rooms = {
  rooms: Room[];
};

/** A message to send. */
export type SendMessage = {
  /**
   * The sender's own name for the message, unique among theirs in this room: sending again
   * with it is safe.
   */
  clientId?: string | null;
  /** 1 to 16384 bytes of UTF-8. */
  text: string;
};

/** Who sent a message. */
export type Sender = {
  /** The user id. */
  id: string;
  /** In which part the sender spoke. */
  kind: SenderKind;
  /** The name to show. */
  name: string;
};

/** In which part a sender spoke. */
export type SenderKind = "customer" | "agent";

/** What the server says on the JSON door and on event streams. */
export type ServerEvent = EventHello | EventMessage | EventRoom | EventReset | EventRead | EventTyping | EventNotification | EventAck | EventPong | EventError;

/** The routes of the REST API below `/api/v1`, by method and path. */
export interface Routes {
  /**
   * Rooms assigned to the caller.
   *
   * Longest asking first; at most 200.
   */
  "GET /desk/mine": {
    params: {};
    body: undefined;
    answer: Rooms;
  };
  /**
   * Claims a waiting room.
   *
   * Of any number of agents who claim it at once exactly one gets it; the others are told who did.
   * Safe to repeat for the one who has it.
   */
  "POST /desk/rooms/{id}/claim": {
    params: {
      /** The room */
      id: string;
    };
    body: undefined;
    answer: Room;
  };
  /**
   * Completes a room that is assigned to the caller.
   *
   * It leaves the caller's list, history stays; the customer's next message makes it wait again.
   */
  "POST /desk/rooms/{id}/complete": {
    params: {
      /** The room */
      id: string;
    };
    body: undefined;
    answer: undefined;
  };
  /**
   * Rooms that wait for an agent.
   *
   * Longest waiting first; at most 200.
   */
  "GET /desk/waiting": {
    params: {};
    body: undefined;
    answer: Rooms;
  };
  /**
   * Publishes to application topics.
   *
   * Answered when the messages are handed to all who are subscribed now, on every node. Nothing is
   * stored: whoever is not connected does not get them, and a node that cannot be reached at this
   * moment does not either. All messages are checked before the first is published.
   */
  "POST /publish": {
    params: {};
    body: PublishRequest;
    answer: Published;
  };
  /**
   * The caller's rooms.
   *
   * Their own support room if there is one, then those assigned to them, longest asking first; at
   * most 200.
   */
  "GET /rooms": {
    params: {};
    body: undefined;
    answer: Rooms;
  };
  /**
   * Opens the caller's own support room.
   *
   * Made, waiting, when it is missing; safe to repeat. 201 when there was no room at the moment of
   * the call, else 200.
   */
  "POST /rooms": {
    params: {};
    body: OpenRoom;
    answer: Room;
  };
  /** A room as it stands. */
  "GET /rooms/{id}": {
    params: {
      /** The room */
      id: string;
    };
    body: undefined;
    answer: Room;
  };
  /** The customer leaves: the room and its history are gone. */
  "DELETE /rooms/{id}": {
    params: {
      /** The caller's own room */
      id: string;
    };
    body: undefined;
    answer: undefined;
  };
  /**
   * A room's messages.
   *
   * The newest, or those before or after a number. A page never has a hole inside; when retention
   * has removed what `after` asks for, the page begins at `head.oldestSeq`.
   */
  "GET /rooms/{id}/messages": {
    params: {
      /** The room */
      id: string;
      /** The newest messages with a smaller `seq`; not with `after` */
      before?: number;
      /** The oldest messages with a greater `seq`; not with `before` */
      after?: number;
      /** How many at most, 1 to 200; 20 when missing */
      limit?: number;
    };
    body: undefined;
    answer: Messages;
  };
  /**
   * Sends a message.
   *
   * Answered when the message is durable. A repeat of a `clientId` stores nothing and answers the
   * first message. The header `Idempotency-Key` counts as `clientId` when the body has none.
   */
  "POST /rooms/{id}/messages": {
    params: {
      /** The room */
      id: string;
    };
    body: SendMessage;
    answer: Message;
  };
}
