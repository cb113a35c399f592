-- The columns are those of the SQLite schema of the same names; what they hold is said there.
-- Ids are bytes: no collation of text tells all of them apart. Statements are separated by lines that
-- begin with two hyphens and a semicolon, and may be run again: each commits by itself.

CREATE TABLE IF NOT EXISTS settings (
    name  VARBINARY(64) PRIMARY KEY,
    value VARBINARY(1024) NOT NULL
) ENGINE = InnoDB DEFAULT CHARSET = utf8mb4 COLLATE = utf8mb4_bin;
--;
CREATE TABLE IF NOT EXISTS users (
    user_no    BIGINT NOT NULL AUTO_INCREMENT PRIMARY KEY,
    id         VARBINARY(255) NOT NULL,
    role       SMALLINT,
    seen       BIGINT NOT NULL DEFAULT 0,
    revoked_at BIGINT,
    name       TEXT,
    picture    TEXT,
    UNIQUE KEY users_id (id),
    KEY users_revoked (revoked_at),
    KEY users_agents (role, seen)
) ENGINE = InnoDB DEFAULT CHARSET = utf8mb4 COLLATE = utf8mb4_bin;
--;
CREATE TABLE IF NOT EXISTS rooms (
    room_no        BIGINT NOT NULL AUTO_INCREMENT PRIMARY KEY,
    id             VARBINARY(300) NOT NULL,
    kind           SMALLINT NOT NULL,
    epoch          BIGINT NOT NULL,
    created_at     BIGINT NOT NULL,
    owner          VARBINARY(255),
    member_count   BIGINT NOT NULL DEFAULT 0,
    access_version BIGINT NOT NULL DEFAULT 0,
    state          SMALLINT,
    agent          VARBINARY(255),
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
    direct_key     BINARY(32),
    title          TEXT,
    picture        TEXT,
    context        TEXT,
    description    TEXT,
    UNIQUE KEY rooms_id (id),
    KEY rooms_waiting (state, inquired_at, room_no),
    KEY rooms_not_noted (state, overdue, inquired_at, room_no),
    KEY rooms_assigned (agent, state, inquired_at, room_no),
    KEY rooms_open (kind, room_no),
    UNIQUE KEY rooms_direct (direct_key)
) ENGINE = InnoDB DEFAULT CHARSET = utf8mb4 COLLATE = utf8mb4_bin;
--;
CREATE TABLE IF NOT EXISTS uploads (
    link       VARBINARY(768) PRIMARY KEY,
    retired_at BIGINT,
    KEY uploads_retired (retired_at)
) ENGINE = InnoDB DEFAULT CHARSET = utf8mb4 COLLATE = utf8mb4_bin;
--;
-- The bounds of what `messages` holds of each room. Narrow: each append changes a row.
CREATE TABLE IF NOT EXISTS logs (
    room_no    BIGINT NOT NULL PRIMARY KEY,
    last_seq   BIGINT NOT NULL DEFAULT 0,
    last_n     BIGINT NOT NULL DEFAULT 0,
    active_at  BIGINT NOT NULL DEFAULT 0,
    oldest_seq BIGINT NOT NULL DEFAULT 1,
    oldest_n   BIGINT NOT NULL DEFAULT 0
) ENGINE = InnoDB DEFAULT CHARSET = utf8mb4 COLLATE = utf8mb4_bin;
--;
-- digest: a keyed hash of sender and client id, where there is one. Equal digests are told apart by
-- the message itself.
CREATE TABLE IF NOT EXISTS messages (
    room_no     BIGINT NOT NULL,
    seq         BIGINT NOT NULL,
    n           BIGINT NOT NULL,
    sent_at     BIGINT NOT NULL,
    digest      BIGINT,
    kind        SMALLINT NOT NULL,
    sender_kind SMALLINT NOT NULL,
    sender      VARBINARY(255) NOT NULL,
    sender_name TEXT,
    client_id   VARBINARY(255),
    extra       MEDIUMTEXT,
    text        MEDIUMTEXT NOT NULL,
    PRIMARY KEY (room_no, seq),
    KEY messages_digest (room_no, digest)
) ENGINE = InnoDB DEFAULT CHARSET = utf8mb4 COLLATE = utf8mb4_bin;
--;
CREATE TABLE IF NOT EXISTS members (
    user_no   BIGINT NOT NULL,
    room_no   BIGINT NOT NULL,
    id        VARBINARY(255) NOT NULL,
    kind      SMALLINT NOT NULL,
    role      SMALLINT NOT NULL,
    joined_at BIGINT NOT NULL,
    since     BIGINT NOT NULL,
    read_seq  BIGINT NOT NULL,
    read_n    BIGINT NOT NULL,
    -- How many messages of their own are kept and behind the mark
    own       BIGINT NOT NULL DEFAULT 0,
    PRIMARY KEY (user_no, room_no),
    UNIQUE KEY members_by_id (room_no, id),
    KEY members_by_mark (room_no, read_seq),
    KEY members_by_age (room_no, since, joined_at, id, role)
) ENGINE = InnoDB DEFAULT CHARSET = utf8mb4 COLLATE = utf8mb4_bin;
--;
CREATE TABLE IF NOT EXISTS removed (
    room_no BIGINT NOT NULL,
    user_no BIGINT NOT NULL,
    PRIMARY KEY (room_no, user_no)
) ENGINE = InnoDB DEFAULT CHARSET = utf8mb4 COLLATE = utf8mb4_bin;
--;
CREATE TABLE IF NOT EXISTS delivered (
    room_no BIGINT NOT NULL,
    `user`  VARBINARY(255) NOT NULL,
    seq     BIGINT NOT NULL,
    PRIMARY KEY (room_no, `user`)
) ENGINE = InnoDB DEFAULT CHARSET = utf8mb4 COLLATE = utf8mb4_bin;
--;
CREATE TABLE IF NOT EXISTS filters (
    place  BIGINT NOT NULL PRIMARY KEY,
    filter MEDIUMBLOB NOT NULL
) ENGINE = InnoDB DEFAULT CHARSET = utf8mb4 COLLATE = utf8mb4_bin;
--;
-- Deleted rooms whose rows are still to be removed.
CREATE TABLE IF NOT EXISTS purges (
    room_no  BIGINT NOT NULL PRIMARY KEY,
    next_seq BIGINT NOT NULL,
    last_seq BIGINT NOT NULL
) ENGINE = InnoDB DEFAULT CHARSET = utf8mb4 COLLATE = utf8mb4_bin;
--;
-- Secret, so that nobody can choose client ids with equal digests.
INSERT IGNORE INTO settings (name, value) VALUES ('client_id_key', random_bytes(16));
--;
INSERT IGNORE INTO rooms (id, kind, epoch, created_at)
VALUES (CONCAT(CHAR(1), 'desk'), 4, 1 + FLOOR(RAND() * 281474976710654),
    FLOOR(UNIX_TIMESTAMP(NOW(6)) * 1000000));
--;
INSERT IGNORE INTO logs (room_no, active_at) SELECT room_no, created_at FROM rooms;
