-- Who may read and write a room. Changes a few times in a room's life.
CREATE TABLE rooms (
    -- AUTOINCREMENT: rows of a deleted room may outlive it for a while, so no number may come again.
    room_no        INTEGER PRIMARY KEY AUTOINCREMENT,
    id             TEXT    NOT NULL UNIQUE,
    epoch          INTEGER NOT NULL CHECK (epoch > 0),
    created_at     INTEGER NOT NULL,
    customer       TEXT    NOT NULL,
    member_id      TEXT,
    nickname       TEXT,
    -- 0 waiting, 1 assigned, 2 completed
    state          INTEGER NOT NULL CHECK (state IN (0, 1, 2)),
    agent          TEXT,
    agent_name     TEXT,
    inquired_at    INTEGER NOT NULL,
    access_version INTEGER NOT NULL DEFAULT 0,
    CHECK ((state = 1) = (agent IS NOT NULL)),
    CHECK ((agent IS NULL) = (agent_name IS NULL))
) STRICT;

CREATE INDEX rooms_waiting ON rooms (inquired_at, room_no) WHERE state = 0;
CREATE INDEX rooms_assigned ON rooms (agent, inquired_at, room_no) WHERE state = 1;

-- The bounds of what `messages` holds of each room. Narrow: a merge touches many of its rows.
CREATE TABLE logs (
    room_no    INTEGER PRIMARY KEY,
    last_seq   INTEGER NOT NULL DEFAULT 0,
    oldest_seq INTEGER NOT NULL DEFAULT 1
) STRICT;

-- Accepted messages in the order of acceptance, until they are merged into `messages`. A row
-- counts while its room exists and its seq is above the room's logs.last_seq.
CREATE TABLE journal (
    arrival     INTEGER PRIMARY KEY,
    room_no     INTEGER NOT NULL,
    seq         INTEGER NOT NULL,
    sent_at     INTEGER NOT NULL,
    -- 0 customer, 1 agent
    sender_kind INTEGER NOT NULL,
    sender      TEXT    NOT NULL,
    sender_name TEXT,
    client_id   TEXT,
    text        TEXT    NOT NULL
) STRICT;

-- Each room's messages side by side, so that a page of history is a few neighbouring pages.
CREATE TABLE messages (
    room_no     INTEGER NOT NULL,
    seq         INTEGER NOT NULL,
    sent_at     INTEGER NOT NULL,
    sender_kind INTEGER NOT NULL,
    sender      TEXT    NOT NULL,
    sender_name TEXT,
    client_id   TEXT,
    text        TEXT    NOT NULL,
    PRIMARY KEY (room_no, seq)
) STRICT, WITHOUT ROWID;

-- Which merged message has a client id. `digest` is a keyed hash of sender and client id; equal
-- digests are told apart by the message itself.
CREATE TABLE client_ids (
    room_no INTEGER NOT NULL,
    digest  INTEGER NOT NULL,
    seq     INTEGER NOT NULL,
    PRIMARY KEY (room_no, digest, seq)
) STRICT, WITHOUT ROWID;

CREATE TABLE delivered (
    room_no INTEGER NOT NULL,
    user    TEXT    NOT NULL,
    seq     INTEGER NOT NULL,
    PRIMARY KEY (room_no, user)
) STRICT, WITHOUT ROWID;

-- Deleted rooms whose rows are still to be removed.
CREATE TABLE purges (
    room_no  INTEGER PRIMARY KEY,
    next_seq INTEGER NOT NULL,
    last_seq INTEGER NOT NULL
) STRICT;

CREATE TABLE settings (
    name  TEXT PRIMARY KEY,
    value BLOB NOT NULL
) STRICT, WITHOUT ROWID;

-- Secret, so that nobody can choose client ids with equal digests.
INSERT INTO settings (name, value) VALUES ('client_id_key', randomblob(16));
