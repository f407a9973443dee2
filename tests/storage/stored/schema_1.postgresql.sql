-- The tables of schema version 1, as headwater made them then.

CREATE TABLE definitions (
	hash TEXT NOT NULL,
	bytes BYTEA NOT NULL,
	PRIMARY KEY (hash)
);
CREATE TABLE events (
	"offset" BIGINT NOT NULL,
	id TEXT NOT NULL,
	type TEXT NOT NULL,
	schema_version INTEGER NOT NULL,
	timestamp BIGINT NOT NULL,
	asset_key TEXT,
	partition TEXT,
	run_id TEXT,
	payload TEXT NOT NULL,
	checksum TEXT NOT NULL,
	PRIMARY KEY ("offset")
);
CREATE TABLE head (
	id INTEGER NOT NULL CHECK (id = 1),
	"offset" BIGINT NOT NULL,
	timestamp BIGINT NOT NULL,
	checksum TEXT NOT NULL,
	term BIGINT NOT NULL,
	schema_version INTEGER NOT NULL,
	PRIMARY KEY (id)
);
CREATE INDEX events_by_asset ON events (asset_key, "offset");
CREATE INDEX events_by_run ON events (run_id, "offset");
CREATE INDEX events_by_type ON events (type, "offset");
INSERT INTO head (id, "offset", timestamp, checksum, term, schema_version) VALUES (1, 0, 0, '0000000000000000000000000000000000000000000000000000000000000000', 0, 1);
