-- Rooms of every kind with members and marks, entries of every kind, users.
--
-- Tables are made anew where their rows grow: what is often read stands before long texts, which
-- may lie on pages of their own.

-- Whoever was named by anything that is kept. Never removed: other tables name them by number.
CREATE TABLE users (
    user_no    INTEGER PRIMARY KEY,
    id         TEXT    NOT NULL UNIQUE,
    -- 0 user, 1 agent, 2 admin, 3 service, 4 guest; NULL for one who never came
    role       INTEGER,
    -- Of agents and admins: the greater, the later they came.
    seen       INTEGER NOT NULL DEFAULT 0,
    revoked_at INTEGER,
    name       TEXT,
    picture    TEXT
) STRICT;

CREATE INDEX users_revoked ON users (revoked_at) WHERE revoked_at IS NOT NULL;
CREATE INDEX users_agents ON users (seen) WHERE role IN (1, 2);

INSERT INTO users (id, role, name)
SELECT id, max(role), max(name) FROM (
    SELECT customer AS id, NULL AS role, nickname AS name FROM rooms
    UNION ALL SELECT agent, 1, agent_name FROM rooms WHERE agent IS NOT NULL
    UNION ALL SELECT sender, CASE sender_kind WHEN 1 THEN 1 END, sender_name FROM messages
    UNION ALL SELECT sender, CASE sender_kind WHEN 1 THEN 1 END, sender_name FROM journal
) GROUP BY id;

CREATE TABLE rooms_of_any_kind (
    -- AUTOINCREMENT: rows of a deleted room may outlive it for a while, so no number may come again.
    room_no        INTEGER PRIMARY KEY AUTOINCREMENT,
    id             TEXT    NOT NULL UNIQUE,
    -- 0 support, 1 direct, 2 group, 3 open, 4 desk, 5 inbox
    kind           INTEGER NOT NULL CHECK (kind BETWEEN 0 AND 5),
    epoch          INTEGER NOT NULL CHECK (epoch > 0),
    created_at     INTEGER NOT NULL,
    -- Whose room it is, by id: the customer's, the inbox's user's, the owner's
    owner          TEXT,
    member_count   INTEGER NOT NULL DEFAULT 0,
    access_version INTEGER NOT NULL DEFAULT 0,
    -- Support rooms: 0 waiting, 1 assigned, 2 completed
    state          INTEGER CHECK (state IN (0, 1, 2)),
    agent          TEXT,
    agent_name     TEXT,
    inquired_at    INTEGER,
    completed_at   INTEGER,
    -- Whether it was noted that the room has been waiting for long
    overdue        INTEGER NOT NULL DEFAULT 0,
    -- Up to where any agent has read, and how many countable messages that is
    desk_read      INTEGER NOT NULL DEFAULT 0,
    desk_read_n    INTEGER NOT NULL DEFAULT 0,
    member_id      TEXT,
    nickname       TEXT,
    -- Inboxes: how many of the kept notifications are read or gone; all up to these were made so
    handled        INTEGER NOT NULL DEFAULT 0,
    read_to        INTEGER NOT NULL DEFAULT 0,
    deleted_to     INTEGER NOT NULL DEFAULT 0,
    -- Of them the deleted ones
    gone           INTEGER NOT NULL DEFAULT 0,
    -- Direct rooms: a hash of whose and what about
    direct_key     BLOB,
    title          TEXT,
    picture        TEXT,
    context        TEXT,
    description    TEXT,
    CHECK ((kind = 0) = (state IS NOT NULL)),
    CHECK ((kind = 0) = (inquired_at IS NOT NULL)),
    CHECK (kind NOT IN (0, 5) OR owner IS NOT NULL),
    CHECK ((state IS 1) = (agent IS NOT NULL)),
    CHECK ((agent IS NULL) = (agent_name IS NULL))
) STRICT;

INSERT INTO rooms_of_any_kind (room_no, id, kind, epoch, created_at, owner, member_count,
    access_version, state, agent, agent_name, inquired_at, completed_at, member_id, nickname)
SELECT room_no, id, 0, epoch, created_at, customer,
    1 + (agent IS NOT NULL AND agent <> customer),
    access_version, state, agent, agent_name, inquired_at,
    -- When is not known: from now on.
    CASE state WHEN 2 THEN unixepoch() * 1000000 END, member_id, nickname
FROM rooms;

-- Room numbers go on where they were, whatever was deleted.
INSERT INTO sqlite_sequence (name, seq)
SELECT 'rooms_of_any_kind', 0
WHERE NOT EXISTS (SELECT 1 FROM sqlite_sequence WHERE name = 'rooms_of_any_kind');
UPDATE sqlite_sequence
SET seq = max(seq, coalesce((SELECT seq FROM sqlite_sequence WHERE name = 'rooms'), 0))
WHERE name = 'rooms_of_any_kind';
DROP TABLE rooms;
ALTER TABLE rooms_of_any_kind RENAME TO rooms;

CREATE INDEX rooms_waiting ON rooms (inquired_at, room_no) WHERE state = 0;
CREATE INDEX rooms_not_noted ON rooms (inquired_at, room_no) WHERE state = 0 AND overdue = 0;
CREATE INDEX rooms_assigned ON rooms (agent, inquired_at, room_no) WHERE state = 1;
CREATE INDEX rooms_open ON rooms (room_no) WHERE kind = 3;
CREATE UNIQUE INDEX rooms_direct ON rooms (direct_key) WHERE direct_key IS NOT NULL;

-- Uploads that a room has or had as its picture, and those that none took in time. retired_at: since
-- when no room may take it; NULL while one has it.
CREATE TABLE uploads (
    link       TEXT    PRIMARY KEY,
    retired_at INTEGER
) STRICT, WITHOUT ROWID;

CREATE INDEX uploads_retired ON uploads (retired_at) WHERE retired_at IS NOT NULL;

-- last_n, oldest_n: how many countable messages the log had, ever, up to and including last_seq,
-- and before oldest_seq. active_at: when last_seq was appended, else when the room was made.
ALTER TABLE logs ADD COLUMN last_n INTEGER NOT NULL DEFAULT 0;
ALTER TABLE logs ADD COLUMN oldest_n INTEGER NOT NULL DEFAULT 0;
ALTER TABLE logs ADD COLUMN active_at INTEGER NOT NULL DEFAULT 0;
UPDATE logs SET last_n = last_seq, oldest_n = oldest_seq - 1, active_at = coalesce(
    (SELECT m.sent_at FROM messages AS m WHERE m.room_no = logs.room_no AND m.seq = last_seq),
    (SELECT r.created_at FROM rooms AS r WHERE r.room_no = logs.room_no), 0);

INSERT INTO rooms (id, kind, epoch, created_at)
VALUES (char(1) || 'desk', 4, max(1, random() & 281474976710655), unixepoch() * 1000000);
INSERT INTO logs (room_no, active_at)
SELECT room_no, created_at FROM rooms WHERE room_no = last_insert_rowid();

-- kind: the number of its domain's MessageKind. extra: JSON. sender_kind: 0 customer, 1 agent,
-- 2 member, 3 host.
CREATE TABLE journal_of_any_kind (
    arrival     INTEGER PRIMARY KEY,
    room_no     INTEGER NOT NULL,
    seq         INTEGER NOT NULL,
    kind        INTEGER NOT NULL,
    sent_at     INTEGER NOT NULL,
    sender_kind INTEGER NOT NULL,
    sender      TEXT    NOT NULL,
    sender_name TEXT,
    client_id   TEXT,
    extra       TEXT,
    text        TEXT    NOT NULL
) STRICT;

INSERT INTO journal_of_any_kind
SELECT arrival, room_no, seq, 0, sent_at, sender_kind, sender, sender_name, client_id, NULL, text
FROM journal ORDER BY arrival;
DROP TABLE journal;
ALTER TABLE journal_of_any_kind RENAME TO journal;

-- n: how many countable messages the log had, ever, up to and including this one.
CREATE TABLE messages_of_any_kind (
    room_no     INTEGER NOT NULL,
    seq         INTEGER NOT NULL,
    n           INTEGER NOT NULL,
    kind        INTEGER NOT NULL,
    sent_at     INTEGER NOT NULL,
    sender_kind INTEGER NOT NULL,
    sender      TEXT    NOT NULL,
    sender_name TEXT,
    client_id   TEXT,
    extra       TEXT,
    text        TEXT    NOT NULL,
    PRIMARY KEY (room_no, seq)
) STRICT, WITHOUT ROWID;

INSERT INTO messages_of_any_kind
SELECT room_no, seq, seq, 0, sent_at, sender_kind, sender, sender_name, client_id, NULL, text
FROM messages ORDER BY room_no, seq;
DROP TABLE messages;
ALTER TABLE messages_of_any_kind RENAME TO messages;

-- Which merged messages a user sent: bit seq % 64 of block seq / 64. before: how many there were in
-- the blocks before it, and how many of this one are removed.
CREATE TABLE sent (
    user_no INTEGER NOT NULL,
    room_no INTEGER NOT NULL,
    block   INTEGER NOT NULL,
    before  INTEGER NOT NULL,
    bits    INTEGER NOT NULL,
    PRIMARY KEY (user_no, room_no, block)
) STRICT, WITHOUT ROWID;

INSERT INTO sent
SELECT user_no, room_no, block,
    sum(count) OVER (PARTITION BY user_no, room_no ORDER BY block) - count, bits
FROM (
    SELECT u.user_no, m.room_no, m.seq >> 6 AS block, count(*) AS count,
        sum(1 << (m.seq & 63)) AS bits
    FROM messages AS m JOIN logs AS l ON l.room_no = m.room_no JOIN users AS u ON u.id = m.sender
    GROUP BY 1, 2, 3
) ORDER BY 1, 2, 3;

-- Who belongs to a room. A support room's customer and agent are here too, for lists and marks;
-- what they may do is decided by the room alone.
CREATE TABLE members (
    user_no   INTEGER NOT NULL,
    room_no   INTEGER NOT NULL,
    -- As of the user and of the room: lists are in the order of ids, and of one kind
    id        TEXT    NOT NULL,
    kind      INTEGER NOT NULL,
    -- 0 member, 1 moderator, 2 owner
    role      INTEGER NOT NULL,
    joined_at INTEGER NOT NULL,
    -- Where the read mark began and is, and how many countable messages the log had up to it
    since     INTEGER NOT NULL,
    read_seq  INTEGER NOT NULL,
    read_n    INTEGER NOT NULL,
    -- How many messages of their own are merged, kept and behind the mark
    own       INTEGER NOT NULL DEFAULT 0,
    PRIMARY KEY (user_no, room_no)
) STRICT, WITHOUT ROWID;

CREATE INDEX members_by_id ON members (room_no, id);
CREATE INDEX members_by_mark ON members (room_no, read_seq);
CREATE INDEX members_by_age ON members (room_no, since, joined_at, id, role);

-- Nothing is known of who has read what so far: all of it counts as read.
CREATE TEMP TABLE heads AS
SELECT l.room_no, max(l.last_seq, coalesce(max(j.seq), 0)) AS last
FROM logs AS l LEFT JOIN journal AS j ON j.room_no = l.room_no GROUP BY l.room_no;
UPDATE rooms SET desk_read = h.last, desk_read_n = h.last
FROM heads AS h WHERE h.room_no = rooms.room_no;
INSERT INTO members
SELECT u.user_no, r.room_no, u.id, 0, 2, r.created_at, 0, r.desk_read, r.desk_read_n, 0
FROM rooms AS r JOIN users AS u ON u.id = r.owner WHERE r.kind = 0;
INSERT INTO members
SELECT u.user_no, r.room_no, u.id, 0, 0, r.inquired_at, r.desk_read, r.desk_read, r.desk_read_n,
    0
FROM rooms AS r JOIN users AS u ON u.id = r.agent WHERE r.agent <> r.owner;
DROP TABLE heads;

-- Whom somebody removed from a room and nobody has added since.
CREATE TABLE removed (
    room_no INTEGER NOT NULL,
    user_no INTEGER NOT NULL,
    PRIMARY KEY (room_no, user_no)
) STRICT, WITHOUT ROWID;

-- Which words 32 neighbouring messages may have; see src/sqlite/filter.rs. place: the room's number
-- << 32 | (seq - 1) / 32.
CREATE TABLE filters (
    place  INTEGER PRIMARY KEY,
    filter BLOB NOT NULL
) STRICT;
