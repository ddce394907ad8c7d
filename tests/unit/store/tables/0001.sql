-- How the tables of the store were at revision 0001.
CREATE TABLE accounted (
    cloud VARCHAR(100) NOT NULL,
    region VARCHAR(100) NOT NULL,
    kind VARCHAR(32) NOT NULL,
    project_id VARCHAR(255) NOT NULL,
    until VARCHAR(27) NOT NULL,
    course INTEGER NOT NULL,
    revision BIGINT NOT NULL,
    offered BIGINT NOT NULL,
    terms VARCHAR(100),
    CONSTRAINT pk_accounted PRIMARY KEY (cloud, region, kind, project_id)
);
CREATE TABLE alembic_version (
    version_num VARCHAR(32) NOT NULL,
    PRIMARY KEY (version_num)
);
CREATE TABLE checkpoints (
    cloud VARCHAR(100) NOT NULL,
    region VARCHAR(100) NOT NULL,
    project_id VARCHAR(255) NOT NULL,
    extractor VARCHAR(64) NOT NULL,
    since VARCHAR(27),
    opening VARCHAR(27),
    until VARCHAR(27) NOT NULL,
    vo TEXT,
    retired VARCHAR(27),
    service TEXT,
    kinds TEXT NOT NULL,
    project_name TEXT,
    succeeded VARCHAR(27),
    listed VARCHAR(27),
    listed_note TEXT,
    vouched VARCHAR(27),
    CONSTRAINT pk_checkpoints PRIMARY KEY (cloud, region, project_id, extractor)
);
CREATE TABLE deliveries (
    messenger VARCHAR(64) NOT NULL,
    "key" VARCHAR(600) NOT NULL,
    revision BIGINT NOT NULL,
    at VARCHAR(27) NOT NULL,
    refused TEXT,
    accepted BIGINT,
    CONSTRAINT pk_deliveries PRIMARY KEY (messenger, "key"),
    CONSTRAINT fk_deliveries_messenger FOREIGN KEY(messenger) REFERENCES messengers (name) ON DELETE CASCADE,
    CONSTRAINT fk_deliveries_key FOREIGN KEY("key") REFERENCES records ("key") ON DELETE CASCADE
);
CREATE TABLE entities (
    cloud VARCHAR(100) NOT NULL,
    region VARCHAR(100) NOT NULL,
    kind VARCHAR(32) NOT NULL,
    id VARCHAR(255) NOT NULL,
    project_id VARCHAR(255) NOT NULL,
    ended VARCHAR(27),
    known_at VARCHAR(27) NOT NULL,
    accounted_until VARCHAR(27),
    along BOOLEAN NOT NULL,
    steady BOOLEAN NOT NULL,
    dirty_from VARCHAR(27),
    settled BOOLEAN NOT NULL,
    told_by TEXT NOT NULL,
    created VARCHAR(27) NOT NULL,
    span INTEGER NOT NULL,
    body TEXT NOT NULL,
    CONSTRAINT pk_entities PRIMARY KEY (cloud, region, kind, id)
);
CREATE TABLE events (
    cloud VARCHAR(100) NOT NULL,
    region VARCHAR(100) NOT NULL,
    id VARCHAR(255) NOT NULL,
    event_type TEXT NOT NULL,
    at VARCHAR(27),
    taken VARCHAR(27) NOT NULL,
    state VARCHAR(16) NOT NULL,
    reason TEXT,
    message TEXT,
    CONSTRAINT pk_events PRIMARY KEY (cloud, region, id)
);
CREATE TABLE floors (
    messenger VARCHAR(64) NOT NULL,
    kind VARCHAR(32) NOT NULL,
    floor BIGINT NOT NULL,
    CONSTRAINT pk_floors PRIMARY KEY (messenger, kind),
    CONSTRAINT fk_floors_messenger FOREIGN KEY(messenger) REFERENCES messengers (name) ON DELETE CASCADE
);
CREATE TABLE former_owners (
    project_id VARCHAR(255) NOT NULL,
    cloud VARCHAR(100) NOT NULL,
    region VARCHAR(100) NOT NULL,
    kind VARCHAR(32) NOT NULL,
    id VARCHAR(255) NOT NULL,
    CONSTRAINT pk_former_owners PRIMARY KEY (project_id, cloud, region, kind, id)
);
CREATE TABLE histories (
    cloud VARCHAR(100) NOT NULL,
    region VARCHAR(100) NOT NULL,
    project_id VARCHAR(255) NOT NULL,
    extractor VARCHAR(64) NOT NULL,
    asked_from VARCHAR(27) NOT NULL,
    asked_to VARCHAR(27),
    since VARCHAR(27) NOT NULL,
    until VARCHAR(27) NOT NULL,
    opening VARCHAR(27),
    seen BOOLEAN NOT NULL,
    done VARCHAR(27) NOT NULL,
    CONSTRAINT pk_histories PRIMARY KEY (cloud, region, project_id, extractor)
);
CREATE TABLE legacy_checkpoints (
    project VARCHAR(255) NOT NULL,
    until VARCHAR(27) NOT NULL,
    CONSTRAINT pk_legacy_checkpoints PRIMARY KEY (project)
);
CREATE TABLE locks (
    name VARCHAR(600) NOT NULL,
    token VARCHAR(32) NOT NULL,
    host VARCHAR(255) NOT NULL,
    machine VARCHAR(128) NOT NULL,
    boot VARCHAR(128) NOT NULL,
    pid INTEGER NOT NULL,
    started VARCHAR(32) NOT NULL,
    acquired VARCHAR(27) NOT NULL,
    renewed VARCHAR(27) NOT NULL,
    CONSTRAINT pk_locks PRIMARY KEY (name)
);
CREATE TABLE measures (
    cloud VARCHAR(100) NOT NULL,
    region VARCHAR(100) NOT NULL,
    id VARCHAR(255) NOT NULL,
    meter VARCHAR(32) NOT NULL,
    day VARCHAR(10) NOT NULL,
    project_id VARCHAR(255) NOT NULL,
    start VARCHAR(27) NOT NULL,
    until VARCHAR(27) NOT NULL,
    amount DOUBLE NOT NULL,
    covered_seconds DOUBLE NOT NULL,
    known_at VARCHAR(27) NOT NULL,
    stated BOOLEAN NOT NULL,
    CONSTRAINT pk_measures PRIMARY KEY (cloud, region, id, meter, day)
);
CREATE TABLE messengers (
    name VARCHAR(64) NOT NULL,
    kinds TEXT,
    since VARCHAR(27) NOT NULL,
    succeeded VARCHAR(27),
    CONSTRAINT pk_messengers PRIMARY KEY (name)
);
CREATE TABLE meta (
    name VARCHAR(64) NOT NULL,
    value TEXT NOT NULL,
    CONSTRAINT pk_meta PRIMARY KEY (name)
);
CREATE TABLE quarantine (
    cloud VARCHAR(100) NOT NULL,
    region VARCHAR(100) NOT NULL,
    kind VARCHAR(32) NOT NULL,
    object_id VARCHAR(255) NOT NULL,
    project_id VARCHAR(255),
    reason TEXT NOT NULL,
    deleted BOOLEAN NOT NULL,
    window_start VARCHAR(27) NOT NULL,
    met_at VARCHAR(27) NOT NULL,
    CONSTRAINT pk_quarantine PRIMARY KEY (cloud, region, kind, object_id)
);
CREATE TABLE reached (
    messenger VARCHAR(64) NOT NULL,
    course INTEGER NOT NULL,
    kind VARCHAR(32) NOT NULL,
    revision BIGINT NOT NULL,
    until VARCHAR(27),
    at VARCHAR(27) NOT NULL,
    spared BOOLEAN NOT NULL,
    part BIGINT NOT NULL,
    part_revision BIGINT NOT NULL,
    part_until VARCHAR(27),
    CONSTRAINT pk_reached PRIMARY KEY (messenger, course, kind),
    CONSTRAINT fk_reached_messenger FOREIGN KEY(messenger) REFERENCES messengers (name) ON DELETE CASCADE
);
CREATE TABLE records (
    "key" VARCHAR(600) NOT NULL,
    subject VARCHAR(300) NOT NULL,
    kind VARCHAR(32) NOT NULL,
    month VARCHAR(7) NOT NULL,
    measured_at VARCHAR(27) NOT NULL,
    known_at VARCHAR(27) NOT NULL,
    revision BIGINT NOT NULL,
    retracted BOOLEAN NOT NULL,
    offered BOOLEAN NOT NULL,
    cloud VARCHAR(100) NOT NULL,
    region VARCHAR(100) NOT NULL,
    project_id VARCHAR(255) NOT NULL,
    content TEXT NOT NULL,
    course INTEGER NOT NULL,
    pace TEXT,
    previous_revision BIGINT,
    previous TEXT,
    CONSTRAINT pk_records PRIMARY KEY ("key")
);
CREATE TABLE volume_types (
    cloud VARCHAR(100) NOT NULL,
    region VARCHAR(100) NOT NULL,
    id VARCHAR(255) NOT NULL,
    name TEXT NOT NULL,
    deleted BOOLEAN NOT NULL,
    known_at VARCHAR(27) NOT NULL,
    number BIGINT NOT NULL,
    CONSTRAINT pk_volume_types PRIMARY KEY (cloud, region, id)
);
CREATE UNIQUE INDEX ix_accounted_course ON accounted (course);
CREATE INDEX ix_deliveries_key ON deliveries ("key");
CREATE INDEX ix_entities_cloud_region_kind_project_id_settled_id ON entities (cloud, region, kind, project_id, settled, id);
CREATE INDEX ix_entities_id ON entities (id);
CREATE INDEX ix_entities_project_id_kind_span_created_id ON entities (project_id, kind, span, created, id);
CREATE INDEX ix_events_state_taken ON events (state, taken);
CREATE INDEX ix_measures_cloud_region_project_id_meter_stated_day ON measures (cloud, region, project_id, meter, stated, day);
CREATE INDEX ix_measures_day ON measures (day);
CREATE UNIQUE INDEX ix_records_course_kind_revision ON records (course, kind, revision);
CREATE INDEX ix_records_month_project_id ON records (month, project_id);
CREATE INDEX ix_records_subject_kind_month ON records (subject, kind, month);
INSERT INTO alembic_version VALUES ('0001');
INSERT INTO meta VALUES ('revision', '0');
INSERT INTO meta VALUES ('caso', '6.0.0');
