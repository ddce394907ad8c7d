"""``python bare.py ADDRESS FOLDER``: the least that anyone can do with a listing, as a measure of what caso does.

Every page of the servers is asked for, read with json.loads and kept in SQLite, in one transaction for each page that is
on disk before the next one is asked for; of each server one line of text goes into a file, a hundred to a file.
It knows no time, no flavor and no change, and nothing of it can be relied on.
"""

import json
import sqlite3
import sys
from http.client import HTTPConnection
from pathlib import Path
from urllib.parse import urlsplit

UPSERT = """
INSERT INTO servers VALUES (?, ?, ?, ?, ?) ON CONFLICT (id) DO UPDATE
SET project = excluded.project, status = excluded.status, updated = excluded.updated, body = excluded.body
"""
RECORDS = 100


def main(address: str, folder: Path) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    store = sqlite3.connect(folder / "bare.sqlite", isolation_level=None)
    store.execute("PRAGMA journal_mode=WAL")
    store.execute("PRAGMA synchronous=FULL")
    store.execute("CREATE TABLE IF NOT EXISTS servers (id TEXT PRIMARY KEY, project TEXT, status TEXT, updated TEXT, body TEXT)")
    connection = HTTPConnection(address)
    query, written = "?all_tenants=true", 0
    while query:
        connection.request("GET", f"/compute/v2.1/servers/detail{query}")
        page = json.loads(connection.getresponse().read())
        rows = page["servers"]
        store.execute("BEGIN")
        store.executemany(UPSERT, [(r["id"], r["tenant_id"], r["status"], r["updated"], json.dumps(r)) for r in rows])
        store.execute("COMMIT")
        for first in range(0, len(rows), RECORDS):
            lines = [
                f"{r['id']} {r['tenant_id']} {r['status']} {r['created']} {r['flavor']['vcpus']}" for r in rows[first:][:RECORDS]
            ]
            folder.joinpath(f"{written:08d}").write_text("\n".join(lines))
            written += 1
        links = page.get("servers_links")
        query = f"?{urlsplit(links[0]['href']).query}" if links else ""


if __name__ == "__main__":
    main(sys.argv[1], Path(sys.argv[2]))
