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

/** People to add. */
export type AddMembers = {
  /** 1 to 1000 user ids. Who belongs to the room already stays as they are. */
  members: string[];
  role?: MemberRole | null;
};

/** How many came. */
export type Added = {
  /** Who did not belong to the room before. */
  added: number;
};

/** What was changed. */
export type Changed = {
  /** How many were unread until then. */
  changed: number;
};

/** What a client of the JSON door says. */
export type ClientCommand = CommandAuth | CommandSend | CommandEdit | CommandDelete | CommandJoin | CommandLeave | CommandWatch | CommandRead | CommandTyping | CommandResume | CommandPing;

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

/** Takes an earlier message's body away, as `edit` changes it. */
export type CommandDelete = {
  /** As of `send`. */
  clientId?: string | null;
  id?: CommandId;
  /** Which room. */
  room: string;
  /** The number of the message. */
  seq: number;
  type: "delete";
};

/**
 * Another body for an earlier message: one's own, for a while, or any as a moderator. Answered
 * with `ack` once durable; everybody gets an `edited` message.
 */
export type CommandEdit = {
  /** As of `send`. */
  clientId?: string | null;
  /** As of `send`. */
  data?: unknown;
  id?: CommandId;
  /** Which room. */
  room: string;
  /** The number of the message. */
  seq: number;
  /** As of `send`. */
  text?: string | null;
  type: "edit";
};

/** The client's own name for the command; its answer has the same. Without it only failures are told. */
export type CommandId = string | number;

/** Joins an open room; a `room` event shows it. */
export type CommandJoin = {
  id?: CommandId;
  /** Which room. */
  room: string;
  type: "join";
};

/** Leaves a room. */
export type CommandLeave = {
  id?: CommandId;
  /** Which room. */
  room: string;
  type: "leave";
};

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
 * got of them before. A room of the user's that is not shown is from then on, told with `room`
 * before the `ack`, in the place of one that was not resumed.
 */
export type CommandResume = {
  id?: CommandId;
  /**
   * The same for the user's inbox. `null`: the client knows that there was none, and has it
   * from its beginning on; absent: it goes on from where `hello` says.
   */
  inbox?: string | null;
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
  /** Any JSON of up to 16384 bytes, with the text or instead of it. */
  data?: unknown;
  id?: CommandId;
  /** Where it goes. */
  room: string;
  /** Up to 16384 bytes of UTF-8. */
  text?: string | null;
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

/**
 * Has the connection told when these users go online or offline, instead of those watched
 * before. Their present state comes as `presence` events behind the `ack`. Users with whom
 * the caller shares no room are passed over.
 */
export type CommandWatch = {
  id?: CommandId;
  type: "watch";
  /** At most 200. */
  users: string[];
};

/** The body of a SEND with which somebody comes into a room. */
export type CommunityEnter = {
  /** As of a message. */
  sender?: string | null;
};

/** That older notifications than this are gone which the client has not seen. */
export type CommunityGap = {
  /** The number of the oldest that is kept. */
  oldest: number;
};

/** The body of a MESSAGE of this contract. */
export type CommunityMessage = {
  /** The text. */
  message: string;
  /** The room, as its subscriber named it. */
  roomId: string;
  /** The sender's own name, whatever the sender claimed. */
  sender: string;
};

/** A notification, in the list and as the data of an event. */
export type CommunityNotification = {
  /** What a person reads. */
  content: string;
  /** When: ISO local date-time with six digits of fraction, without an offset. */
  createdAt: string;
  /** Its number in the user's inbox. */
  id: number;
  /** Whether it was read. */
  isRead: boolean;
  /** What it is about: `trade.opened`, or the host's own. */
  type: string;
  /** Where it leads; null for nowhere. */
  url?: string | null;
};

/** The envelope of an answer that has nothing to show. */
export type CommunitySaid = {
  /** What was done, or why not. */
  msg: string;
  /** The HTTP status. */
  statusCode: number;
};

/** The body of a SEND with a message. */
export type CommunitySend = {
  /** 1 to 16384 bytes of UTF-8. */
  message: string;
  /** Who the client says that it is. Not looked at: shown is the sender's own name. */
  sender?: string | null;
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
 * | `ROOM_AMBIGUOUS` | several rooms are meant | no | 1008 |
 * | `ROOM_NOT_WAITING` | the room is not waiting for an agent | no | 1008 |
 * | `ROLE_REQUIRED` | your role in this room does not allow it | no | 1008 |
 * | `NOT_FOR_GUESTS` | guests may not do this | no | 1008 |
 * | `TOO_LATE` | the message is too old for that | no | 1008 |
 * | `MESSAGE_NOT_FOUND` | there is no such message | no | 1008 |
 * | `MEMBER_NOT_FOUND` | there is no such member | no | 1008 |
 * | `USER_NOT_FOUND` | there is no such user | no | 1008 |
 * | `AGENT_NOT_FOUND` | there is no such agent | no | 1008 |
 * | `NOTIFICATION_NOT_FOUND` | there is no such notification | no | 1008 |
 * | `ROOM_FULL` | the room is full | no | 1008 |
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
export type ErrorCode = "AUTHENTICATION_REQUIRED" | "TOKEN_INVALID" | "TOKEN_EXPIRED" | "TOKEN_REVOKED" | "CREDENTIALS_INVALID" | "AGENTS_ONLY" | "NOT_YOUR_ROOM" | "PUBLISH_FORBIDDEN" | "SUBSCRIBE_FORBIDDEN" | "SCOPE_MISSING" | "ORIGIN_FORBIDDEN" | "ROOM_NOT_FOUND" | "NOT_FOUND" | "METHOD_NOT_ALLOWED" | "ROOM_TAKEN" | "ROOM_AMBIGUOUS" | "ROOM_NOT_WAITING" | "ROLE_REQUIRED" | "NOT_FOR_GUESTS" | "TOO_LATE" | "MESSAGE_NOT_FOUND" | "MEMBER_NOT_FOUND" | "USER_NOT_FOUND" | "AGENT_NOT_FOUND" | "NOTIFICATION_NOT_FOUND" | "ROOM_FULL" | "MESSAGE_INVALID" | "BODY_INVALID" | "PARAMETER_INVALID" | "POSITION_INVALID" | "FRAME_INVALID" | "WEBSOCKET_INVALID" | "VERSION_UNSUPPORTED" | "TOO_LARGE" | "TOO_MANY" | "HEART_BEAT_MISSED" | "CONNECT_TIMEOUT" | "SLOW_CONSUMER" | "DRAINING" | "OVERLOADED" | "UNAVAILABLE" | "INTERNAL";

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
  inbox?: LiveInbox | null;
  /**
   * The user has more rooms than are shown; absent where that is not so. Of those nothing
   * comes: they are read over REST, or resumed.
   */
  more?: boolean;
  /**
   * The user's rooms, those that were resumed first, then the newest: as many as a connection
   * shows.
   */
  rooms: LiveRoom[];
  /** Names the connection in the server's log. */
  session: string;
  type: "hello";
  /** The user's id. */
  user: string;
};

/** Something happened in the user's inbox. In order and without a hole. */
export type EventInbox = {
  /** What. */
  entry: InboxEntry;
  type: "inbox";
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

/** A user who is watched is online or offline. Transient: the newest of a user counts. */
export type EventPresence = {
  /** Since when: RFC 3339, UTC. */
  at: string;
  /** Which of both. */
  online: boolean;
  type: "presence";
  /** Who. */
  user: string;
};

/** Somebody has read the room up to a position. Transient: may be lost. */
export type EventRead = {
  /** Up to where. */
  position: string;
  /**
   * The number up to which they had read when that was told last: messages behind it are read
   * by one more.
   */
  previousSeq: number;
  /** Which room. */
  room: string;
  /** The number of the message there. */
  seq: number;
  type: "read";
  /** Who. */
  user: string;
};

/**
 * More members have read the room at once than are told one by one with `read`: ask for the
 * counts where they are shown. Transient.
 */
export type EventReceipts = {
  /** How many members' marks are not told. */
  readers: number;
  /** Which room. */
  room: string;
  type: "receipts";
};

/** Part of what was asked for is gone from the log; what is kept follows. */
export type EventReset = {
  /** The newest. */
  head: string;
  /** The number of the newest. */
  lastSeq: number;
  /** The oldest message that is kept. */
  oldest: string;
  /** The number of the oldest message that is kept; `lastSeq + 1` when none is. */
  oldestSeq: number;
  /** Which room; absent where it is the user's inbox. */
  room?: string;
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
  room: RoomName;
} | {
  change: "hidden";
  /** The room. */
  room: RoomName;
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

/** Messages that were found. */
export type FoundMessages = {
  /** Newest first. */
  messages: Message[];
  /** Hand it back as `before` for the next page; absent on the last one. */
  next?: string | null;
};

/** A role to give. */
export type GiveRole = {
  /** `owner` makes the owner until then a moderator. */
  role: MemberRole;
};

/** Who gets a room. */
export type HandOver = {
  /** The user id of an agent who has come before. */
  agent: string;
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

/** What happened in an inbox. */
export type InboxChange = "added" | "read" | "deleted";

/** Something that happened in an inbox. */
export type InboxEntry = {
  /** What happened. */
  change: InboxChange;
  notification?: Notification | null;
  /** Its place, opaque: `resume` takes it as `inbox`. */
  position: string;
  /** Of `read` and `deleted`: the `id` of the notification, or of the newest of several. */
  target?: number | null;
  /** Of `read` and `deleted`: whether all notifications up to the target are meant. */
  upTo?: boolean | null;
};

/** Where the live stream of the user's inbox begins. */
export type LiveInbox = {
  /** Up to which entry they were counted: a notification with a greater `id` was not. */
  lastSeq: number;
  /** The first entry after it is the first that comes. */
  position: string;
  /** Notifications up to `lastSeq` that are not read. */
  unread: number;
};

/** A room, and from where on its messages come. */
export type LiveRoom = Room & ({
  /**
   * Where its live stream on this connection begins: the first message after it is the first
   * that comes.
   */
  position: string;
  /** Up to where the user has read; known with `unread`. */
  readSeq?: number | null;
  /** Messages of others, up to the `head`, that the user has not read; known in `hello`. */
  unread?: number | null;
});

/** How far a member has read. */
export type Marks = {
  /** Up to where their clients have acknowledged; never below `readSeq`. */
  deliveredSeq: number;
  /** Up to where they have read. */
  readSeq: number;
  /** The user id. */
  user: string;
};

/** Somebody who belongs to a room. */
export type Member = {
  /** Up to where their clients have acknowledged; never below `readSeq`. */
  deliveredSeq: number;
  /** The user id. */
  id: string;
  /** Since when: RFC 3339, UTC. */
  joinedAt: string;
  /** The name to show. */
  name: string;
  /** Whether they are online; absent when that is not known, or not for the caller. */
  online?: boolean | null;
  /** A link to their picture, if the host gave one. */
  picture?: string | null;
  /** Up to where they have read. */
  readSeq: number;
  role: MemberRole;
};

/** What a member may do in a room. */
export type MemberRole = "member" | "moderator" | "owner";

/** A page of a room's members. */
export type Members = {
  /** In the order of their ids. */
  members: Member[];
  /** Hand it back as `after` for the next page; absent on the last one. */
  next?: string | null;
};

/** An entry of a room's log, as clients see it: a message, or an event among them. */
export type Message = {
  /** The sender's own name for it, if it gave one. */
  clientId?: string | null;
  /** Structured content, any JSON: as it was sent. */
  data?: unknown;
  /** When it was deleted: RFC 3339, UTC. */
  deletedAt?: string | null;
  /** When it was edited last: RFC 3339, UTC. */
  editedAt?: string | null;
  /** Unique among all messages, also across rooms that were deleted and made again. */
  messageId: string;
  /** In the desk's feed: which support room it is about. */
  ofRoom?: string | null;
  /** Its place in the room's log, opaque: hand it back as `since` to resume after it. */
  position: string;
  role?: MemberRole | null;
  /** The room it is in; `desk` in the desk's feed. */
  roomId: string;
  /** Who sent or did it. */
  sender: Sender;
  /** When the server took it: RFC 3339, UTC, microseconds. */
  sentAt: string;
  /** Its number in the room: 1, 2, 3 … without gaps. */
  seq: number;
  /** Whom an event is about: who joined, was added, left, was removed, has the room now. */
  subjects?: PersonRef[];
  /** Of `edited` and `deleted`: the `seq` of the message that changed. */
  target?: number | null;
  /** The text; empty for an event, a deleted message, and one with `data` alone. */
  text: string;
  /** What it is. Pass over a type that you do not know. */
  type: MessageType;
};

/** What an entry of a room's log is. */
export type MessageType = "message" | "notice" | "edited" | "deleted" | "joined" | "added" | "left" | "removed" | "roleChanged" | "roomChanged" | "waiting" | "assigned" | "released" | "handedOver" | "completed" | "gone" | "overdue" | "notification" | "notificationRead" | "notificationDeleted";

/** Part of a room's log. */
export type Messages = {
  /** Whether more are kept in the direction of reading. */
  hasMore: boolean;
  /** The log's bounds at the moment of reading. */
  head: Head;
  /** In rising order of `seq`; consecutive, unless events are left out. */
  messages: Message[];
  /**
   * Where events are left out: hand it back as `before` or `after` to go on; absent when nothing
   * is left.
   */
  next?: number | null;
};

/** A room to make or open. */
export type NewRoom = {
  /** Any JSON of up to 4096 bytes. With its pair of people it makes a direct room unique. */
  context?: unknown;
  /** Up to 8192 bytes. */
  description?: string | null;
  kind: RoomKind;
  /** Who belongs to it beside the caller, at most 1000; of a direct room the one other person. */
  members?: string[];
  /** A link, up to 2048 bytes: that of an upload as it was answered, or `http(s)://…`. */
  picture?: string | null;
  /** Up to 512 bytes. */
  title?: string | null;
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

/** A notification. */
export type Notification = {
  /** What a person reads. */
  content: string;
  /** When: RFC 3339, UTC. */
  createdAt: string;
  /** The sender's own JSON. */
  data?: unknown;
  /** Its number in the user's inbox. */
  id: number;
  /** When it was read; absent while it is not. */
  readAt?: string | null;
  /** What it is about: `desk.assigned`, `desk.overdue`, `trade.opened`, or the host's own. */
  type: string;
  /** Where it leads. */
  url?: string | null;
};

/** What is to become of a notification. */
export type NotificationChange = {
  /** `true`: what was read once stays read. */
  read: boolean;
};

/** A page of notifications. */
export type Notifications = {
  /** Newest first, without those that were deleted. */
  notifications: Notification[];
  /** From 1. */
  page: number;
  /** How many a page has at most. */
  size: number;
  /** How many there are, read or not. */
  total: number;
  /** How many are unread. */
  unread: number;
};

/** A page of open rooms. */
export type OpenRooms = {
  /** Hand it back as `after` for the next page; absent on the last one. */
  next?: number | null;
  rooms: Room[];
};

/** What a room is to the caller. */
export type OwnRoom = Room & ({
  /** When something last happened in it: RFC 3339, UTC. */
  activeAt: string;
  lastMessage?: Message | null;
  /** Up to where the caller has read. */
  readSeq: number;
  role?: MemberRole | null;
  /** Messages of others that the caller has not read. */
  unread: number;
});

/** A page of the caller's rooms. */
export type OwnRooms = {
  /** Hand it back as `after` for the next page; absent on the last one. */
  next?: string | null;
  rooms: OwnRoom[];
};

/** A person as others see them. */
export type Person = {
  /** The user id. */
  id: string;
  /** The name to show. */
  name: string;
};

/** A person, by reference. */
export type PersonRef = {
  /** The user id. */
  id: string;
  /** The name to show. */
  name: string;
};

/** A picture's bytes. */
export type PictureFile = string;

/** A form with one file. */
export type PictureForm = {
  /** The picture. Its name and media type are not looked at. */
  file: string;
};

/** Whether somebody is online. */
export type Presence = {
  /** Since when: RFC 3339, UTC. */
  at: string;
  /** The user id. */
  id: string;
  online: boolean;
};

/** What is known of some users. */
export type PresenceOf = {
  /** In the order asked, without those of whom nothing is known, or not for the caller. */
  users: Presence[];
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

/** A room's place at the desk. */
export type QueuePlace = {
  /** How many rooms come before it: 0 for the next one. Null when it does not wait. */
  ahead?: number | null;
};

/** Who has read an entry. Its sender counts in neither number, and neither does who came after it. */
export type ReadCount = {
  /** Members who have not. */
  notReadBy: number;
  /** Members who have read it. */
  readBy: number;
  /** The number of the entry. */
  seq: number;
};

/** Where a read mark stands. */
export type ReadMark = {
  /** Its place in the room's log. */
  position: string;
  /** The number of the last message read. */
  seq: number;
};

/** Up to where the caller has read: one of both. */
export type ReadUpTo = {
  /** Its `position`: of an earlier life of the room it changes nothing. */
  position?: string | null;
  /** The number of the last message read. */
  seq?: number | null;
};

/** Who has read what. */
export type Receipts = {
  /** Of each number that was asked for and is kept, in rising order. */
  counts: ReadCount[];
  /** Of the members who have read furthest, at most 100. */
  marks: Marks[];
};

/** A room. */
export type Room = Partial<SupportRoom> & ({
  /** The host's own JSON. */
  context?: unknown;
  /** When this life of the room began: RFC 3339, UTC. */
  createdAt: string;
  description?: string | null;
  head: Head;
  /** A support room has its customer's user id. */
  id: string;
  kind: RoomKind;
  /** How many belong to it. */
  memberCount: number;
  /** A number of its own, never given out twice. */
  number: number;
  owner?: Person | null;
  /** A link to a picture. */
  picture?: string | null;
  title?: string | null;
});

/** A change of what people see of a room: what is absent stays, null takes away. */
export type RoomChanges = {
  /** Any JSON of up to 4096 bytes. */
  context?: unknown;
  /** Up to 8192 bytes. */
  description?: string | null;
  /** A link, up to 2048 bytes. */
  picture?: string | null;
  /** Up to 512 bytes. */
  title?: string | null;
};

/** What a room is for. */
export type RoomKind = "support" | "direct" | "group" | "open";

/** Which room is shown no more. */
export type RoomName = {
  /** Which. */
  id: string;
};

/** What a message is to say: a text, `data`, or both. */
export type RoomSend = {
  /** Any JSON of up to 16384 bytes; what it means is between clients. */
  data?: unknown;
  /** Up to 16384 bytes of UTF-8. */
  text?: string | null;
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
  /** Any JSON of up to 16384 bytes, with the text or instead of it. */
  data?: unknown;
  /** Up to 16384 bytes of UTF-8. */
  text?: string | null;
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
export type SenderKind = "customer" | "agent" | "member" | "host";

/** What the server says on the JSON door and on event streams. */
export type ServerEvent = EventHello | EventMessage | EventRoom | EventReset | EventRead | EventReceipts | EventPresence | EventInbox | EventTyping | EventNotification | EventAck | EventPong | EventError;

/** What only a support room has. */
export type SupportRoom = {
  assignee?: Person | null;
  customer: Customer;
  /** Since when the customer has been asking: RFC 3339, UTC. */
  inquiredAt: string;
  state: RoomState;
};

/** What a user has not read. */
export type Unread = {
  /** Notifications in the inbox. */
  notifications: number;
  /** Rooms with unread messages, at most 200, in no particular order. */
  rooms: UnreadRoom[];
  /** Messages of others in all rooms that the caller takes part in. */
  total: number;
};

/** A room with unread messages. */
export type UnreadRoom = {
  /** Which. */
  id: string;
  /** How many. */
  unread: number;
};

/** Up to which notification. */
export type UpTo = {
  /** The `id` of the newest that is meant. */
  upTo: number;
};

/** A picture that is there now. */
export type Uploaded = {
  /** Its link: a path of this server. Give it to a room as it is. */
  url: string;
};

/** The routes of the REST API below `/api/v1` that users' tokens open, by method and path. */
export interface Routes {
  /**
   * The desk's changes.
   *
   * The newest, or those before or after a number: rooms that began to wait, were claimed, given
   * back, handed over, completed, or have been waiting for long. `ofRoom` names the room, `sender` is
   * who did it, `subjects` the agent who has or had it.
   */
  "GET /desk/feed": {
    params: {
      /** The newest entries with a smaller `seq`; not with `after` */
      before?: number;
      /** The oldest entries with a greater `seq`; not with `before` */
      after?: number;
      /** How many at most, 1 to 200; 20 when missing */
      limit?: number;
    };
    body: undefined;
    answer: Messages;
  };
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
  /** Hands a room that is assigned to the caller over to another agent. */
  "POST /desk/rooms/{id}/hand-over": {
    params: {
      /** The room */
      id: string;
    };
    body: HandOver;
    answer: undefined;
  };
  /**
   * Gives a room that is assigned to the caller back to the desk.
   *
   * It waits in its old place.
   */
  "POST /desk/rooms/{id}/release": {
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
  /** The caller's notifications. */
  "GET /notifications": {
    params: {
      /** From 1, the newest; 1 when missing */
      page?: number;
      /** How many at most, 1 to 200; 20 when missing */
      size?: number;
    };
    body: undefined;
    answer: Notifications;
  };
  /** Marks all notifications up to one as read. */
  "POST /notifications/read": {
    params: {};
    body: UpTo;
    answer: Changed;
  };
  /** Deletes a notification. */
  "DELETE /notifications/{id}": {
    params: {
      /** Its `id` */
      id: number;
    };
    body: undefined;
    answer: undefined;
  };
  /** Marks a notification as read. */
  "PATCH /notifications/{id}": {
    params: {
      /** Its `id` */
      id: number;
    };
    body: NotificationChange;
    answer: undefined;
  };
  /**
   * Open rooms.
   *
   * Those made last first.
   */
  "GET /open-rooms": {
    params: {
      /** What the page before has given as `next` */
      after?: number;
      /** How many at most, 1 to 200; 50 when missing */
      limit?: number;
    };
    body: undefined;
    answer: OpenRooms;
  };
  /**
   * Uploads a picture for a room.
   *
   * As a form with one file, `file`, or as the body itself with an image's media type. PNG, JPEG,
   * GIF and WebP are taken, which the file's own bytes decide; it is kept as it is, with what a
   * camera wrote into it. A room may take it within 23 hours; what none took is removed after a day. Nothing is stored of an upload
   * that is refused or cut off.
   */
  "POST /pictures": {
    params: {};
    body: Blob;
    answer: Uploaded;
  };
  /**
   * Who of some people is online.
   *
   * Only of people with whom the caller shares a room, and to agents of everybody.
   */
  "GET /presence": {
    params: {
      /** 1 to 200 user ids with commas between them */
      users: string;
    };
    body: undefined;
    answer: PresenceOf;
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
   * Where they are a member, their own support room, and those assigned to them: newest activity
   * first, with the last message and the number of unread ones.
   */
  "GET /rooms": {
    params: {
      /** Only rooms of this kind */
      kind?: RoomKind;
      /** What the page before has given as `next` */
      after?: string;
      /** How many at most, 1 to 200; 50 when missing */
      limit?: number;
    };
    body: undefined;
    answer: OwnRooms;
  };
  /**
   * Makes a room, or opens the caller's own support room.
   *
   * A direct room is there once for its pair of people and its context, a support room once for
   * its customer: safe to repeat, 201 when it was made now, else 200.
   */
  "POST /rooms": {
    params: {};
    body: NewRoom;
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
  /**
   * Deletes a room and its history.
   *
   * For the owner of a group or open room, for either of a direct room's two, and for a support
   * room's customer, who leaves by it.
   */
  "DELETE /rooms/{id}": {
    params: {
      /** The room */
      id: string;
    };
    body: undefined;
    answer: undefined;
  };
  /** Edits what people see of a room: for its owner. */
  "PATCH /rooms/{id}": {
    params: {
      /** The room */
      id: string;
    };
    body: RoomChanges;
    answer: Room;
  };
  /** Joins an open room. */
  "POST /rooms/{id}/join": {
    params: {
      /** The room */
      id: string;
    };
    body: undefined;
    answer: Room;
  };
  /**
   * Leaves a room.
   *
   * An owner hands a group or open room to its longest-standing moderator, else member. The last one
   * to leave ends the room. A support room's customer takes it and its history away.
   */
  "POST /rooms/{id}/leave": {
    params: {
      /** The room */
      id: string;
    };
    body: undefined;
    answer: undefined;
  };
  /**
   * A room's members.
   *
   * For members, also of an open room, and admins. In the order of their ids. Of a support room: its customer, and the agent who has it.
   */
  "GET /rooms/{id}/members": {
    params: {
      /** The room */
      id: string;
      /** What the page before has given as `next` */
      after?: string;
      /** How many at most, 1 to 200; 50 when missing */
      limit?: number;
    };
    body: undefined;
    answer: Members;
  };
  /**
   * Adds people to a group or open room.
   *
   * Any member may add plain members, moderators those who were removed before; only the owner adds
   * moderators. With more than 100 people, the first may have been added when the answer is an error.
   */
  "POST /rooms/{id}/members": {
    params: {
      /** The room */
      id: string;
    };
    body: AddMembers;
    answer: Added;
  };
  /**
   * Gives a member another role: for the owner.
   *
   * `owner` hands the room over, and makes the owner until then a moderator. The owner's own role
   * changes in no other way.
   */
  "PUT /rooms/{id}/members/{user}": {
    params: {
      /** The room */
      id: string;
      /** The member */
      user: string;
    };
    body: GiveRole;
    answer: undefined;
  };
  /**
   * Removes a member.
   *
   * Moderators remove plain members, the owner anybody else. Who was removed cannot join again until
   * somebody adds them.
   */
  "DELETE /rooms/{id}/members/{user}": {
    params: {
      /** The room */
      id: string;
      /** The member */
      user: string;
    };
    body: undefined;
    answer: undefined;
  };
  /**
   * A room's messages.
   *
   * The newest, or those before or after a number. A page never has a hole inside; when retention
   * has removed what `after` asks for, the page begins at `head.oldestSeq`.
   *
   * With `only=messages` what happened between the messages is left out, and `next` says where to go
   * on. A page may then have fewer than `limit` although more are left, where a room has thousands of
   * events in a row.
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
      /** `messages` leaves out who came and went, edits, and other events */
      only?: string;
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
  /** A message as it reads now. */
  "GET /rooms/{id}/messages/{seq}": {
    params: {
      /** The room */
      id: string;
      /** The number of the message */
      seq: number;
    };
    body: undefined;
    answer: Message;
  };
  /**
   * Takes a message's body away; its place stays.
   *
   * For whom may edit it. Everybody in the room gets a `deleted` entry. A message that is deleted
   * already is answered with 404, unless it is a repeat of the same `clientId`.
   */
  "DELETE /rooms/{id}/messages/{seq}": {
    params: {
      /** The room */
      id: string;
      /** The number of the message */
      seq: number;
      /** The caller's own name for the deletion: it is then safe to repeat */
      clientId?: string;
    };
    body: undefined;
    answer: undefined;
  };
  /**
   * Gives a message another body.
   *
   * For its sender, for `messages.revise_seconds`; for moderators and the owner of a group or open
   * room, always. Everybody in the room gets an `edited` entry. A repeat of a `clientId` changes
   * nothing.
   */
  "PATCH /rooms/{id}/messages/{seq}": {
    params: {
      /** The room */
      id: string;
      /** The number of the message */
      seq: number;
    };
    body: SendMessage;
    answer: Message;
  };
  /** How many customers come before. */
  "GET /rooms/{id}/queue": {
    params: {
      /** The support room */
      id: string;
    };
    body: undefined;
    answer: QueuePlace;
  };
  /**
   * Marks a room as read.
   *
   * For members, also of an open room. The mark only rises, and at most to the newest message; the
   * answer says where it stands. An admin who looks on has no mark: the answer is then what was asked.
   */
  "PUT /rooms/{id}/read": {
    params: {
      /** The room */
      id: string;
    };
    body: ReadUpTo;
    answer: ReadMark;
  };
  /**
   * Who has read which messages.
   *
   * How many members have read each of at most 200 messages, and how far those have read who have
   * read furthest. For members, also of an open room, and admins.
   */
  "GET /rooms/{id}/receipts": {
    params: {
      /** The room */
      id: string;
      /** The first number */
      from: number;
      /** The last number: at most 199 more than `from` */
      to: number;
    };
    body: undefined;
    answer: Receipts;
  };
  /**
   * Searches messages and notices.
   *
   * In one room, or in those that the caller takes part in. All words have to be found: Korean by any
   * part, words in other scripts by their beginning. Deleted messages are not found.
   */
  "GET /search": {
    params: {
      /** Up to 256 bytes and 8 words */
      q: string;
      /** Only in this room */
      room?: string;
      /** What the page before has given as `next` */
      before?: string;
      /** How many at most, 1 to 200; 20 when missing */
      limit?: number;
    };
    body: undefined;
    answer: FoundMessages;
  };
  /** How much the caller has not read. */
  "GET /unread": {
    params: {};
    body: undefined;
    answer: Unread;
  };
}
