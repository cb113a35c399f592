-- Who is online. Times are microseconds.

-- Nodes that say who is. One that ended stays until its users are taken from it.
CREATE TABLE IF NOT EXISTS presence_leases (
    node    BIGINT PRIMARY KEY,
    ends_at BIGINT NOT NULL,
    ended   SMALLINT NOT NULL DEFAULT 0
) ENGINE = InnoDB DEFAULT CHARSET = utf8mb4 COLLATE = utf8mb4_bin;
--;
-- Whom they say to be online.
CREATE TABLE IF NOT EXISTS presence_users (
    user_id VARBINARY(255) NOT NULL,
    node    BIGINT NOT NULL,
    PRIMARY KEY (user_id, node),
    KEY presence_users_of_node (node, user_id)
) ENGINE = InnoDB DEFAULT CHARSET = utf8mb4 COLLATE = utf8mb4_bin;
--;
-- The last edge of each user. Its row is locked while anything of the user changes.
CREATE TABLE IF NOT EXISTS presence_edges (
    user_id    VARBINARY(255) PRIMARY KEY,
    is_online  SMALLINT NOT NULL,
    epoch      BIGINT NOT NULL,
    changed_at BIGINT NOT NULL,
    KEY presence_edges_offline (is_online, epoch)
) ENGINE = InnoDB DEFAULT CHARSET = utf8mb4 COLLATE = utf8mb4_bin;
--;
-- Gives out blocks of epochs. Rows go as they come: the numbers do not come again.
CREATE TABLE IF NOT EXISTS presence_epochs (
    block_no BIGINT NOT NULL AUTO_INCREMENT PRIMARY KEY,
    node     BIGINT NOT NULL
) ENGINE = InnoDB DEFAULT CHARSET = utf8mb4 COLLATE = utf8mb4_bin;
