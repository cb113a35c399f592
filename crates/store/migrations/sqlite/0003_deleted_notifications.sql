-- Inboxes: how many of the kept notifications are gone. (users.role knows 4, too: guest.)
ALTER TABLE rooms ADD COLUMN gone INTEGER NOT NULL DEFAULT 0;

UPDATE rooms SET gone =
    (SELECT count(*) FROM messages AS m JOIN logs AS l ON l.room_no = m.room_no
     WHERE m.room_no = rooms.room_no AND m.seq BETWEEN l.oldest_seq AND l.last_seq
       AND m.kind = 17 AND json_extract(m.extra, '$.deleted') IS NOT NULL)
    + (SELECT count(*) FROM journal AS j JOIN logs AS l ON l.room_no = j.room_no
       WHERE j.room_no = rooms.room_no AND j.seq > l.last_seq
         AND j.kind = 17 AND json_extract(j.extra, '$.deleted') IS NOT NULL)
WHERE kind = 5;
