-- The columns are those of the SQLite schema of the same names; what they hold is said there.
-- Ids are compared byte by byte, whatever the database sorts by.

CREATE TABLE settings (
    name  TEXT COLLATE "C" PRIMARY KEY,
    value BYTEA NOT NULL
);

-- Whoever was named by anything that is kept. Never removed: other tables name them by number.
CREATE TABLE users (
    user_no    BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    id         TEXT COLLATE "C" NOT NULL UNIQUE,
    role       SMALLINT,
    seen       BIGINT NOT NULL DEFAULT 0,
    revoked_at BIGINT,
    name       TEXT,
    picture    TEXT
);

CREATE INDEX users_revoked ON users (revoked_at) WHERE revoked_at IS NOT NULL;
CREATE INDEX users_agents ON users (seen) WHERE role IN (1, 2);

CREATE TABLE rooms (
    room_no        BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    id             TEXT COLLATE "C" NOT NULL UNIQUE,
    kind           SMALLINT NOT NULL CHECK (kind BETWEEN 0 AND 5),
    epoch          BIGINT NOT NULL CHECK (epoch > 0),
    created_at     BIGINT NOT NULL,
    owner          TEXT COLLATE "C",
    member_count   BIGINT NOT NULL DEFAULT 0,
    access_version BIGINT NOT NULL DEFAULT 0,
    state          SMALLINT CHECK (state IN (0, 1, 2)),
    agent          TEXT COLLATE "C",
    agent_name     TEXT,
    inquired_at    BIGINT,
    completed_at   BIGINT,
    overdue        SMALLINT NOT NULL DEFAULT 0,
    desk_read      BIGINT NOT NULL DEFAULT 0,
    desk_read_n    BIGINT NOT NULL DEFAULT 0,
    member_id      TEXT,
    nickname       TEXT,
    handled        BIGINT NOT NULL DEFAULT 0,
    read_to        BIGINT NOT NULL DEFAULT 0,
    deleted_to     BIGINT NOT NULL DEFAULT 0,
    gone           BIGINT NOT NULL DEFAULT 0,
    direct_key     BYTEA,
    title          TEXT,
    picture        TEXT,
    context        TEXT,
    description    TEXT,
    CHECK ((kind = 0) = (state IS NOT NULL)),
    CHECK ((kind = 0) = (inquired_at IS NOT NULL)),
    CHECK (kind NOT IN (0, 5) OR owner IS NOT NULL),
    CHECK ((agent IS NULL) = (agent_name IS NULL))
) WITH (fillfactor = 90);

CREATE INDEX rooms_waiting ON rooms (inquired_at, room_no) WHERE state = 0;
CREATE INDEX rooms_not_noted ON rooms (inquired_at, room_no) WHERE state = 0 AND overdue = 0;
CREATE INDEX rooms_assigned ON rooms (agent, inquired_at, room_no) WHERE state = 1;
CREATE INDEX rooms_open ON rooms (room_no) WHERE kind = 3;
CREATE UNIQUE INDEX rooms_direct ON rooms (direct_key) WHERE direct_key IS NOT NULL;

CREATE TABLE uploads (
    link       TEXT COLLATE "C" PRIMARY KEY,
    retired_at BIGINT
);

CREATE INDEX uploads_retired ON uploads (retired_at) WHERE retired_at IS NOT NULL;

-- The bounds of what `messages` holds of each room. Narrow, and with space for newer versions of its
-- rows: each append changes one.
CREATE TABLE logs (
    room_no    BIGINT PRIMARY KEY,
    last_seq   BIGINT NOT NULL DEFAULT 0,
    last_n     BIGINT NOT NULL DEFAULT 0,
    active_at  BIGINT NOT NULL DEFAULT 0,
    oldest_seq BIGINT NOT NULL DEFAULT 1,
    oldest_n   BIGINT NOT NULL DEFAULT 0
) WITH (fillfactor = 50);

-- digest: a keyed hash of sender and client id, where there is one. Equal digests are told apart by
-- the message itself.
CREATE TABLE messages (
    room_no     BIGINT NOT NULL,
    seq         BIGINT NOT NULL,
    n           BIGINT NOT NULL,
    sent_at     BIGINT NOT NULL,
    digest      BIGINT,
    kind        SMALLINT NOT NULL,
    sender_kind SMALLINT NOT NULL,
    sender      TEXT COLLATE "C" NOT NULL,
    sender_name TEXT,
    client_id   TEXT COLLATE "C",
    extra       TEXT,
    text        TEXT NOT NULL,
    PRIMARY KEY (room_no, seq)
);

CREATE INDEX messages_digest ON messages (room_no, digest) WHERE digest IS NOT NULL;

CREATE TABLE members (
    user_no   BIGINT NOT NULL,
    room_no   BIGINT NOT NULL,
    id        TEXT COLLATE "C" NOT NULL,
    kind      SMALLINT NOT NULL,
    role      SMALLINT NOT NULL,
    joined_at BIGINT NOT NULL,
    since     BIGINT NOT NULL,
    read_seq  BIGINT NOT NULL,
    read_n    BIGINT NOT NULL,
    -- How many messages of their own are kept and behind the mark
    own       BIGINT NOT NULL DEFAULT 0,
    PRIMARY KEY (user_no, room_no)
) WITH (fillfactor = 80);

CREATE UNIQUE INDEX members_by_id ON members (room_no, id);
CREATE INDEX members_by_mark ON members (room_no, read_seq);
CREATE INDEX members_by_age ON members (room_no, since, joined_at, id, role);

CREATE TABLE removed (
    room_no BIGINT NOT NULL,
    user_no BIGINT NOT NULL,
    PRIMARY KEY (room_no, user_no)
);

CREATE TABLE delivered (
    room_no BIGINT NOT NULL,
    "user"  TEXT COLLATE "C" NOT NULL,
    seq     BIGINT NOT NULL,
    PRIMARY KEY (room_no, "user")
) WITH (fillfactor = 80);

CREATE TABLE filters (
    place  BIGINT PRIMARY KEY,
    filter BYTEA NOT NULL
);

-- Deleted rooms whose rows are still to be removed.
CREATE TABLE purges (
    room_no  BIGINT PRIMARY KEY,
    next_seq BIGINT NOT NULL,
    last_seq BIGINT NOT NULL
);

-- Secret, so that nobody can choose client ids with equal digests.
INSERT INTO settings (name, value) VALUES ('client_id_key', uuid_send(gen_random_uuid()));

INSERT INTO rooms (id, kind, epoch, created_at)
VALUES (chr(1) || 'desk', 4, 1 + floor(random() * 281474976710654)::BIGINT,
    floor(extract(epoch FROM now()) * 1000000)::BIGINT);
INSERT INTO logs (room_no, active_at) SELECT room_no, created_at FROM rooms;
