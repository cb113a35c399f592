-- Who is online. Times are microseconds.

-- Nodes that say who is. One that ended stays until its users are taken from it.
CREATE TABLE presence_leases (
    node    BIGINT PRIMARY KEY,
    ends_at BIGINT NOT NULL,
    ended   SMALLINT NOT NULL DEFAULT 0
);

-- Whom they say to be online.
CREATE TABLE presence_users (
    user_id TEXT COLLATE "C",
    node    BIGINT,
    PRIMARY KEY (user_id, node)
);

CREATE INDEX presence_users_of_node ON presence_users (node, user_id);

-- The last edge of each user. Its row is locked while anything of the user changes.
CREATE TABLE presence_edges (
    user_id    TEXT COLLATE "C" PRIMARY KEY,
    is_online  SMALLINT NOT NULL,
    epoch      BIGINT NOT NULL,
    changed_at BIGINT NOT NULL
) WITH (fillfactor = 80);

CREATE INDEX presence_edges_offline ON presence_edges (epoch) WHERE is_online = 0;

-- Gives out blocks of epochs. Rows go as they come: the numbers do not come again.
CREATE TABLE presence_epochs (
    block_no BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    node     BIGINT NOT NULL
);
