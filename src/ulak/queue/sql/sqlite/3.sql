-- The queue, version 3: who sent a message, and from where it was tried.

ALTER TABLE message ADD COLUMN account TEXT;  -- with which the client had logged in; NULL: none

-- The name of the source that the last attempt was made from; '' for the only one.
ALTER TABLE pending ADD COLUMN source TEXT NOT NULL DEFAULT '';
