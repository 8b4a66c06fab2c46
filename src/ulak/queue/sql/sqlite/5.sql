-- The queue, version 5: lanes, so that no sender's flood delays the others.
--
-- A lane is a priority, less 32 for each level that a message stands behind others because of how
-- much of its sender's mail was there before it (`ulak.queue.lanes`). What is there already has the
-- lane of its priority as it is. The indexes follow the name of their column.

ALTER TABLE pending RENAME COLUMN priority TO lane;
