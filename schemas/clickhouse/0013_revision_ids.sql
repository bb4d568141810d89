-- An item's id is most of what a revision takes on disk besides its evidence; ids are mostly
-- names and numbers written out, of which ZSTD keeps half of what LZ4 does. Rows of before
-- are written so when their parts are merged next.
ALTER TABLE verdict_revisions MODIFY COLUMN item_id CODEC(ZSTD(1));
