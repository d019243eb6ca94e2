/* SPDX-License-Identifier: Apache-2.0
 *
 * See store.h.  Runs only in the Gateway, and sees only ciphertexts.  A
 * database error is fatal: `up' starts the Gateway again.
 */
#include <pthread.h>
#include <semaphore.h>
#include <sqlite3.h>
#include <stdatomic.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "log.h"
#include "store.h"

#define GRANT_LIFE	86400	/* seconds */
#define CHECKPOINT	4096	/* pages of 4 kB in the log */
#define BUSY		5000	/* ms to wait for the other connection */

static sqlite3 *db;

/* Rows have integer keys, which SQLite finds and inserts much faster than 32
 * bytes, and hold a struct: only this machine reads them. */
static const char schema[] =
    "PRAGMA journal_mode=WAL; PRAGMA synchronous=NORMAL;"
    "PRAGMA cache_size=-65536; PRAGMA temp_store=MEMORY;"
    "CREATE TABLE IF NOT EXISTS stored (id INTEGER PRIMARY KEY,"
    " value BLOB NOT NULL);"
    "CREATE TABLE IF NOT EXISTS grants (id INTEGER PRIMARY KEY,"
    " value BLOB NOT NULL, at INTEGER NOT NULL);";

enum query {
	Q_BEGIN,
	Q_COMMIT,
	Q_GET,
	Q_HAS,
	Q_PUT,
	Q_TAKE_BACK,
	Q_GRANTED,
	Q_FIND_GRANT,
	Q_FORGET,
	Q_EXPIRE,
	Q_COUNT,
	QUERIES,
};
static const char *const texts[QUERIES] = {
	[Q_BEGIN]	= "BEGIN IMMEDIATE",
	[Q_COMMIT]	= "COMMIT",
	[Q_GET]		= "SELECT value FROM stored WHERE id = ?",
	[Q_HAS]		= "SELECT 1 FROM stored WHERE id = ?",
	[Q_PUT]		= "INSERT OR IGNORE INTO stored VALUES (?, ?)",
	[Q_TAKE_BACK]	= "DELETE FROM stored WHERE id = ?",
	[Q_GRANTED]	= "INSERT OR REPLACE INTO grants VALUES (?, ?, ?)",
	[Q_FIND_GRANT]	= "SELECT value FROM grants WHERE id = ?",
	[Q_FORGET]	= "DELETE FROM grants WHERE id = ?",
	[Q_EXPIRE]	= "DELETE FROM grants WHERE at < ?",
	[Q_COUNT]	= "SELECT count(*) FROM stored",
};
static sqlite3_stmt *statements[QUERIES];

/* The key of a row.  If another handle has the same key, its value counts as
 * taken: whoever can choose such a handle in advance can take the handle
 * itself. */
static sqlite3_int64
key_of(const uint8_t id[32], uint32_t n)
{
	uint64_t words[4], key = n;
	size_t i;

	memcpy(words, id, sizeof(words));
	for (i = 0; i < 4; i++) {
		key = (key ^ words[i]) * UINT64_C(0x9e3779b97f4a7c15);
		key ^= key >> 32;
	}
	return (sqlite3_int64)key;
}

static sqlite3_stmt *
query(enum query q, sqlite3_int64 key)
{
	sqlite3_bind_int64(statements[q], 1, key);
	return statements[q];
}

/* `value' must stay valid until the query ends. */
static void
bind(sqlite3_stmt *s, const void *value, size_t n)
{
	if (sqlite3_bind_blob(s, 2, value, (int)n, SQLITE_STATIC) != SQLITE_OK)
		fatal("store: %s", sqlite3_errmsg(db));
}

/* 1 if there is a row, else 0. */
static int
next_row(sqlite3_stmt *s)
{
	int r = sqlite3_step(s);

	if (r != SQLITE_ROW && r != SQLITE_DONE)
		fatal("store: %s", sqlite3_errmsg(db));
	return r == SQLITE_ROW;
}

static int
run(sqlite3_stmt *s)
{
	int is_row = next_row(s);

	sqlite3_reset(s);
	return is_row;
}

/* Copy the value of a row with min to max bytes; 1 if there is a row, else
 * 0. */
static int
get(sqlite3_stmt *s, void *value, size_t min, size_t max)
{
	int is_row = next_row(s);
	size_t n;

	if (is_row) {
		n = (size_t)sqlite3_column_bytes(s, 0);
		if (n < min || n > max)
			fatal("store: the database is damaged");
		memcpy(value, sqlite3_column_blob(s, 0), n);
	}
	sqlite3_reset(s);
	return is_row;
}

/* ---- checkpoints ------------------------------------------------------- */

/* A checkpoint copies the log's pages to the database and waits for the disk,
 * for a tenth of a second or more.  A thread with a separate connection does
 * this while calls are answered.  A commit does not wait for the disk: when it
 * returns, the data is in the log file, which outlives the process. */
static struct {
	sqlite3		*db;
	pthread_t	 thread;
	sem_t		 wanted;
	atomic_int	 is_busy, is_over;
} checkpoint;

static void
checkpoint_make(int mode)
{
	int r = sqlite3_wal_checkpoint_v2(
	    checkpoint.db, NULL, mode, NULL, NULL);

	/* If it is busy, the log grows and a later commit tries again. */
	if (r != SQLITE_OK && r != SQLITE_BUSY)
		fatal("store: checkpoint: %s", sqlite3_errmsg(checkpoint.db));
}

/* The first PASSIVE checkpoint copies pages while the writer continues; the
 * second copies those added meanwhile.  RESTART blocks the writer while it
 * copies the few remaining pages, so that the log can start from its beginning
 * again.  It also syncs the database, which is fast after our own sync. */
static void *
make_checkpoints(void *none)
{
	sqlite3_file *file;
	int i;

	(void)none;
	if (sqlite3_file_control(checkpoint.db, NULL, SQLITE_FCNTL_FILE_POINTER,
		&file) != SQLITE_OK)
		fatal("store: checkpoint: no file to sync");
	for (;;) {
		while (sem_wait(&checkpoint.wanted) == -1)
			continue;
		if (checkpoint.is_over)
			return NULL;
		for (i = 0; i < 2; i++) {
			checkpoint_make(SQLITE_CHECKPOINT_PASSIVE);
			if (file->pMethods->xSync(file, SQLITE_SYNC_NORMAL) !=
			    SQLITE_OK)
				fatal("store: checkpoint: cannot sync");
		}
		checkpoint_make(SQLITE_CHECKPOINT_RESTART);
		checkpoint.is_busy = 0;
	}
}

/* Poll for the other connection: SQLite's default handler sleeps longer. */
static int
on_busy(void *none, int times)
{
	(void)none;
	usleep(1000);
	return times < BUSY;
}

static int
on_commit(void *none, sqlite3 *of, const char *name, int pages)
{
	(void)none;
	(void)of;
	(void)name;
	if (pages >= CHECKPOINT && !atomic_exchange(&checkpoint.is_busy, 1))
		sem_post(&checkpoint.wanted);
	return SQLITE_OK;
}

static void
checkpoint_start(const char *path)
{
	/* A connection makes no checkpoint unless it has read the database. */
	if (sqlite3_open(path, &checkpoint.db) != SQLITE_OK ||
	    sqlite3_exec(checkpoint.db,
		"PRAGMA journal_mode=WAL;"
		"PRAGMA synchronous=NORMAL;",
		NULL, NULL, NULL) != SQLITE_OK)
		fatal("%s: %s", path, sqlite3_errmsg(checkpoint.db));
	sqlite3_busy_handler(checkpoint.db, on_busy, NULL);
	checkpoint.is_busy = checkpoint.is_over = 0;
	if (sem_init(&checkpoint.wanted, 0, 0) == -1 ||
	    pthread_create(&checkpoint.thread, NULL, make_checkpoints, NULL) !=
		0)
		fatal("store: no thread for checkpoints");
	sqlite3_busy_handler(db, on_busy, NULL);
	sqlite3_wal_hook(db, on_commit, NULL);
}

static void
checkpoint_stop(void)
{
	checkpoint.is_over = 1;
	sem_post(&checkpoint.wanted);
	pthread_join(checkpoint.thread, NULL);
	sem_destroy(&checkpoint.wanted);
	sqlite3_close(checkpoint.db);
}

void
store_open(const char *path)
{
	int q;

	/* One thread at a time uses a connection.  Has no effect on a later
	 * call. */
	sqlite3_config(SQLITE_CONFIG_MEMSTATUS, 0);
	if (sqlite3_open_v2(path, &db,
		SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE |
		    SQLITE_OPEN_NOMUTEX,
		NULL) != SQLITE_OK ||
	    sqlite3_exec(db, schema, NULL, NULL, NULL) != SQLITE_OK)
		fatal("%s: %s", path, sqlite3_errmsg(db));
	if (sqlite3_table_column_metadata(db, NULL, "acl", NULL, NULL, NULL,
		NULL, NULL, NULL) == SQLITE_OK)
		fatal("%s: of an earlier version: make a new devnet", path);
	for (q = 0; q < QUERIES; q++)
		if (sqlite3_prepare_v2(
			db, texts[q], -1, &statements[q], NULL) != SQLITE_OK)
			fatal("%s: %s", path, sqlite3_errmsg(db));
	run(query(Q_EXPIRE, time(NULL) - GRANT_LIFE));
	checkpoint_start(path);
}

void
store_close(void)
{
	int q;

	checkpoint_stop();
	for (q = 0; q < QUERIES; q++)
		sqlite3_finalize(statements[q]);
	sqlite3_close(db);
}

void
store_begin(void)
{
	run(statements[Q_BEGIN]);
}

void
store_commit(void)
{
	run(statements[Q_COMMIT]);
}

int
store_get(const uint8_t handle[32], struct store_value *v)
{
	return get(query(Q_GET, key_of(handle, 0)), v, sizeof(*v),
		   sizeof(*v)) &&
	    memcmp(v->value.handle, handle, 32) == 0;
}

int
store_has(const uint8_t handle[32])
{
	return run(query(Q_HAS, key_of(handle, 0)));
}

int
store_put(const struct store_value *v)
{
	sqlite3_stmt *s = query(Q_PUT, key_of(v->value.handle, 0));

	bind(s, v, sizeof(*v));
	run(s);
	return sqlite3_changes(db) == 1 ? 0 : -1;
}

void
store_take_back(const uint8_t handle[32])
{
	run(query(Q_TAKE_BACK, key_of(handle, 0)));
}

void
store_granted(const struct store_grant *g)
{
	sqlite3_stmt *s = query(Q_GRANTED, key_of(g->task, g->attempt));

	bind(s, g,
	    offsetof(struct store_grant, outputs) +
		g->n_outputs * sizeof(g->outputs[0]));
	sqlite3_bind_int64(s, 3, time(NULL));
	run(s);
}

int
store_find_grant(
    const uint8_t task[32], uint32_t attempt, struct store_grant *g)
{
	return get(query(Q_FIND_GRANT, key_of(task, attempt)), g,
		   offsetof(struct store_grant, outputs), sizeof(*g)) &&
	    memcmp(g->task, task, 32) == 0 && g->attempt == attempt;
}

void
store_forget_grant(const struct store_grant *g)
{
	run(query(Q_FORGET, key_of(g->task, g->attempt)));
}

uint64_t
store_count(void)
{
	sqlite3_stmt *s = statements[Q_COUNT];
	uint64_t n;

	next_row(s);
	n = (uint64_t)sqlite3_column_int64(s, 0);
	sqlite3_reset(s);
	return n;
}
