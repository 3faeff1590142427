-- What somebody was before they were blocked. Whoever is blocked already is a guest when the block ends.
ALTER TABLE members ADD COLUMN before_block TEXT;
