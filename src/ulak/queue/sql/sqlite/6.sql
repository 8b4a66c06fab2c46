-- The queue, version 6: until when senders want their mail delivered (RFC 2852), for who asks by that.

CREATE INDEX message_by_deadline ON message (wishes ->> '$.deliver_by.until')
    WHERE wishes IS NOT NULL;
