-- What programs show to the API, version 2: as which account a token may send.

ALTER TABLE token ADD COLUMN account TEXT NOT NULL DEFAULT '';
