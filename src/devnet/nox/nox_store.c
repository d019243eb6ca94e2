/* SPDX-License-Identifier: Apache-2.0
 *
 * See nox_store.h.  Runs only in the server nox.
 */
#include <sqlite3.h>
#include <string.h>

#include "hex.h"
#include "log.h"
#include "nox_store.h"

static sqlite3 *db;

static const char schema[] =
    "PRAGMA journal_mode=WAL; PRAGMA synchronous=NORMAL;"
    "CREATE TABLE IF NOT EXISTS stored (handle BLOB PRIMARY KEY,"
    " value BLOB NOT NULL) WITHOUT ROWID;";

enum query {
	Q_GET,
	Q_PUT,
	Q_COUNT,
	QUERIES,
};
static const char *const texts[QUERIES] = {
	[Q_GET]		= "SELECT value FROM stored WHERE handle = ?",
	[Q_PUT]		= "INSERT INTO stored VALUES (?, ?)",
	[Q_COUNT]	= "SELECT count(*) FROM stored",
};
static sqlite3_stmt *statements[QUERIES];

void
nox_store_open(const char *path)
{
	int q;

	if (sqlite3_open(path, &db) != SQLITE_OK ||
	    sqlite3_exec(db, schema, NULL, NULL, NULL) != SQLITE_OK)
		fatal("%s: %s", path, sqlite3_errmsg(db));
	for (q = 0; q < QUERIES; q++)
		if (sqlite3_prepare_v2(
			db, texts[q], -1, &statements[q], NULL) != SQLITE_OK)
			fatal("%s: %s", path, sqlite3_errmsg(db));
}

/* 1 if there is a row, else 0. */
static int
next_row(sqlite3_stmt *s)
{
	const int r = sqlite3_step(s);

	if (r != SQLITE_ROW && r != SQLITE_DONE)
		fatal("store: %s", sqlite3_errmsg(db));
	return r == SQLITE_ROW;
}

/* `value' must stay valid until the query ends. */
static void
bind(sqlite3_stmt *s, int i, const void *value, size_t n)
{
	if (sqlite3_bind_blob(s, i, value, (int)n, SQLITE_STATIC) != SQLITE_OK)
		fatal("store: %s", sqlite3_errmsg(db));
}

/* Bytes of a row: the struct without the unused end of the ciphertext. */
static size_t
size_of(size_t n)
{
	return offsetof(struct nox_value, ciphertext) + n;
}

int
nox_store_get(const uint8_t handle[32], struct nox_value *v)
{
	sqlite3_stmt *s = statements[Q_GET];
	int is_row;
	size_t n;

	bind(s, 1, handle, 32);
	if ((is_row = next_row(s))) {
		n = (size_t)sqlite3_column_bytes(s, 0);
		if (n < size_of(0) || n > sizeof(*v))
			fatal("store: the database is damaged");
		memcpy(v, sqlite3_column_blob(s, 0), n);
		if (n != size_of(v->n))
			fatal("store: the database is damaged");
	}
	sqlite3_reset(s);
	return is_row;
}

int
nox_store_has(const uint8_t handle[32])
{
	struct nox_value v;

	return nox_store_get(handle, &v);
}

enum nox_put
nox_store_put(const struct nox_value *v)
{
	sqlite3_stmt *s = statements[Q_PUT];
	struct nox_value old;
	char hex[65];

	if (nox_store_get(v->handle, &old)) {
		if (memcmp(old.tag, v->tag, 32) == 0)
			return NOX_UNCHANGED;
		log_warn("result 0x%s: conflicted: stored with another value",
		    hex_encode(hex, v->handle, 32));
		return NOX_CONFLICTED;
	}
	bind(s, 1, v->handle, 32);
	bind(s, 2, v, size_of(v->n));
	next_row(s);
	sqlite3_reset(s);
	return NOX_CREATED;
}

uint64_t
nox_store_count(void)
{
	sqlite3_stmt *s = statements[Q_COUNT];
	uint64_t n;

	next_row(s);
	n = (uint64_t)sqlite3_column_int64(s, 0);
	sqlite3_reset(s);
	return n;
}
