-- The accounts, version 2: what somebody may do in the console.

ALTER TABLE account ADD COLUMN role TEXT NOT NULL DEFAULT '';  -- 'read-only' or 'admin'; '' for none
