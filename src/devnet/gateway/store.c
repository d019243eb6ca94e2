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

static const char schema[] =
    "PRAGMA journal_mode=WAL; PRAGMA synchronous=NORMAL;"
    "PRAGMA cache_size=-65536; PRAGMA temp_store=MEMORY;"
    "CREATE TABLE IF NOT EXISTS value (handle BLOB PRIMARY KEY,"
    " key BLOB NOT NULL, nonce BLOB NOT NULL, ciphertext BLOB NOT NULL,"
    " epoch INTEGER NOT NULL)"
    " WITHOUT ROWID;"
    "CREATE TABLE IF NOT EXISTS acl (handle BLOB, user BLOB,"
    " PRIMARY KEY (handle, user)) WITHOUT ROWID;"
    "CREATE TABLE IF NOT EXISTS granted (task BLOB, attempt INTEGER,"
    " runner BLOB NOT NULL, caller BLOB NOT NULL, outputs BLOB NOT NULL,"
    " at INTEGER NOT NULL, PRIMARY KEY (task, attempt)) WITHOUT ROWID;"
    "CREATE TABLE IF NOT EXISTS result (task BLOB PRIMARY KEY,"
    " hash BLOB NOT NULL) WITHOUT ROWID;";

enum query {
	Q_BEGIN,
	Q_COMMIT,
	Q_TASK,
	Q_KEEP,
	Q_UNDO,
	Q_GET,
	Q_HAS,
	Q_PUT,
	Q_MAY,
	Q_ALLOW,
	Q_GRANTED,
	Q_FIND_GRANT,
	Q_FIND_RESULT,
	Q_RESULT,
	Q_FORGET,
	Q_EXPIRE,
	Q_COUNT,
	QUERIES,
};
static const char *const texts[QUERIES] = {
	[Q_BEGIN]	= "BEGIN IMMEDIATE",
	[Q_COMMIT]	= "COMMIT",
	[Q_TASK]	= "SAVEPOINT task",
	[Q_KEEP]	= "RELEASE task",
	[Q_UNDO]	= "ROLLBACK TO task",
	[Q_GET]		= "SELECT key, nonce, ciphertext, epoch FROM value"
		  " WHERE handle = ?",
	[Q_HAS]		= "SELECT 1 FROM value WHERE handle = ?",
	[Q_PUT]		= "INSERT OR IGNORE INTO value"
		  " VALUES (?, ?, ?, ?, ?)",
	[Q_MAY]		= "SELECT 1 FROM acl WHERE handle = ? AND user = ?",
	[Q_ALLOW]	= "INSERT OR IGNORE INTO acl VALUES (?, ?)",
	[Q_GRANTED]	= "INSERT OR REPLACE INTO granted"
		      " VALUES (?, ?, ?, ?, ?, ?)",
	[Q_FIND_GRANT]	= "SELECT runner, caller, outputs FROM granted"
			 " WHERE task = ? AND attempt = ?",
	[Q_FIND_RESULT]	= "SELECT hash FROM result WHERE task = ?",
	[Q_RESULT]	= "INSERT INTO result VALUES (?, ?)",
	[Q_FORGET]	= "DELETE FROM granted WHERE task = ?",
	[Q_EXPIRE]	= "DELETE FROM granted WHERE at < ?",
	[Q_COUNT]	= "SELECT count(*) FROM value",
};
static sqlite3_stmt *statements[QUERIES];

static sqlite3_stmt *
query(enum query q)
{
	sqlite3_reset(statements[q]);
	return statements[q];
}

static void
bind(sqlite3_stmt *s, int i, const void *bytes, size_t n)
{
	/* SQLite stores a blob with a null pointer as NULL. */
	if (sqlite3_bind_blob(s, i, n == 0 ? "" : bytes, (int)n,
		SQLITE_TRANSIENT) != SQLITE_OK)
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

static void
run(sqlite3_stmt *s)
{
	next_row(s);
	sqlite3_reset(s);
}

static void
column(sqlite3_stmt *s, int i, void *out, size_t n)
{
	if ((size_t)sqlite3_column_bytes(s, i) != n)
		fatal("store: the database is damaged");
	memcpy(out, sqlite3_column_blob(s, i), n);
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

	if (sqlite3_open(path, &db) != SQLITE_OK ||
	    sqlite3_exec(db, schema, NULL, NULL, NULL) != SQLITE_OK)
		fatal("%s: %s", path, sqlite3_errmsg(db));
	for (q = 0; q < QUERIES; q++)
		if (sqlite3_prepare_v2(
			db, texts[q], -1, &statements[q], NULL) != SQLITE_OK)
			fatal("%s: %s", path, sqlite3_errmsg(db));
	sqlite3_bind_int64(query(Q_EXPIRE), 1, time(NULL) - GRANT_LIFE);
	run(statements[Q_EXPIRE]);
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
	run(query(Q_BEGIN));
}

void
store_commit(void)
{
	run(query(Q_COMMIT));
}

void
store_task(void)
{
	run(query(Q_TASK));
}

void
store_end(int is_good)
{
	if (!is_good)
		run(query(Q_UNDO));
	run(query(Q_KEEP));
}

int
store_get(const uint8_t handle[32], struct m_value *value, uint64_t *epoch)
{
	sqlite3_stmt *s = query(Q_GET);
	int n;

	bind(s, 1, handle, 32);
	if (!next_row(s))
		return 0;
	memset(value, 0, sizeof(*value));
	memcpy(value->handle, handle, 32);
	column(s, 0, value->key, sizeof(value->key));
	column(s, 1, value->nonce, sizeof(value->nonce));
	n = sqlite3_column_bytes(s, 2);
	if (n > CIPHER_MAX)
		fatal("store: the database is damaged");
	value->len = (uint8_t)n;
	memcpy(value->ciphertext, sqlite3_column_blob(s, 2), (size_t)n);
	*epoch = (uint64_t)sqlite3_column_int64(s, 3);
	sqlite3_reset(s);
	return 1;
}

int
store_has(const uint8_t handle[32])
{
	sqlite3_stmt *s = query(Q_HAS);
	int is_there;

	bind(s, 1, handle, 32);
	is_there = next_row(s);
	sqlite3_reset(s);
	return is_there;
}

int
store_put(const struct m_value *value, uint64_t epoch)
{
	sqlite3_stmt *s = query(Q_PUT);

	bind(s, 1, value->handle, sizeof(value->handle));
	bind(s, 2, value->key, sizeof(value->key));
	bind(s, 3, value->nonce, sizeof(value->nonce));
	bind(s, 4, value->ciphertext, value->len);
	sqlite3_bind_int64(s, 5, (sqlite3_int64)epoch);
	run(s);
	return sqlite3_changes(db) == 1 ? 0 : -1;
}

int
store_may(const uint8_t user[20], const uint8_t handle[32])
{
	sqlite3_stmt *s = query(Q_MAY);
	int may;

	bind(s, 1, handle, 32);
	bind(s, 2, user, 20);
	may = next_row(s);
	sqlite3_reset(s);
	return may;
}

void
store_allow(const uint8_t user[20], const uint8_t handle[32])
{
	sqlite3_stmt *s = query(Q_ALLOW);

	bind(s, 1, handle, 32);
	bind(s, 2, user, 20);
	run(s);
}

void
store_granted(const uint8_t task[32], uint32_t attempt,
    const uint8_t runner[20], const uint8_t caller[20],
    const struct m_word *outputs, size_t n)
{
	sqlite3_stmt *s = query(Q_GRANTED);

	bind(s, 1, task, 32);
	sqlite3_bind_int64(s, 2, attempt);
	bind(s, 3, runner, 20);
	bind(s, 4, caller, 20);
	bind(s, 5, outputs, n * sizeof(*outputs));
	sqlite3_bind_int64(s, 6, time(NULL));
	run(s);
}

int
store_find_grant(
    const uint8_t task[32], uint32_t attempt, struct store_grant *grant)
{
	sqlite3_stmt *s = query(Q_FIND_GRANT);
	size_t n;

	bind(s, 1, task, 32);
	sqlite3_bind_int64(s, 2, attempt);
	if (!next_row(s))
		return 0;
	column(s, 0, grant->runner, sizeof(grant->runner));
	column(s, 1, grant->caller, sizeof(grant->caller));
	n = (size_t)sqlite3_column_bytes(s, 2);
	if (n > sizeof(grant->outputs) || n % 32 != 0)
		fatal("store: the database is damaged");
	grant->n_outputs = (uint32_t)(n / 32);
	if (n > 0)
		memcpy(grant->outputs, sqlite3_column_blob(s, 2), n);
	sqlite3_reset(s);
	return 1;
}

int
store_find_result(const uint8_t task[32], uint8_t hash[32])
{
	sqlite3_stmt *s = query(Q_FIND_RESULT);

	bind(s, 1, task, 32);
	if (!next_row(s))
		return 0;
	column(s, 0, hash, 32);
	sqlite3_reset(s);
	return 1;
}

void
store_result(const uint8_t task[32], const uint8_t hash[32])
{
	sqlite3_stmt *s = query(Q_RESULT);

	bind(s, 1, task, 32);
	bind(s, 2, hash, 32);
	run(s);
	s = query(Q_FORGET);
	bind(s, 1, task, 32);
	run(s);
}

uint64_t
store_count(void)
{
	sqlite3_stmt *s = query(Q_COUNT);
	uint64_t n;

	next_row(s);
	n = (uint64_t)sqlite3_column_int64(s, 0);
	sqlite3_reset(s);
	return n;
}
