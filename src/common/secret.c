/* SPDX-License-Identifier: Apache-2.0
 *
 * Where secrets live, in keys and compute.  Must never fall back to memory that
 * can be swapped, dumped or inherited.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "log.h"
#include "secret.h"

#ifndef SYS_memfd_secret
#define SYS_memfd_secret	447
#endif

static int hidden;

static size_t
whole_pages(size_t size)
{
	const size_t page = (size_t)sysconf(_SC_PAGESIZE);

	if (size == 0 || size > SIZE_MAX / 2)
		fatal("secret memory: %zu bytes", size);
	return (size + page - 1) / page * page;
}

/* Memory that the kernel itself has no mapping of (Linux 5.14, when enabled). */
static void *
map_hidden(void *at, size_t size)
{
	const int fd = (int)syscall(SYS_memfd_secret, O_CLOEXEC);
	void *p = MAP_FAILED;

	if (fd == -1)
		return MAP_FAILED;
	if (ftruncate(fd, (off_t)size) == 0)
		p = mmap(at, size, PROT_READ | PROT_WRITE,
		    MAP_SHARED | MAP_FIXED, fd, 0);
	close(fd);
	if (p != MAP_FAILED && madvise(p, size, MADV_DONTFORK) == -1)
		fatal("secret memory: madvise: %s", strerror(errno));
	return p;
}

static void *
map_locked(void *at, size_t size)
{
	void *p = mmap(at, size, PROT_READ | PROT_WRITE,
	    MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0);

	if (p == MAP_FAILED || mlock(p, size) == -1)
		fatal("secret memory: cannot lock %zu bytes: %s: raise "
		    "RLIMIT_MEMLOCK", size, strerror(errno));
	if (madvise(p, size, MADV_DONTDUMP) == -1 ||
	    madvise(p, size, MADV_WIPEONFORK) == -1)
		fatal("secret memory: madvise: %s", strerror(errno));
	return p;
}

void *
secret_alloc(size_t size)
{
	const size_t page = (size_t)sysconf(_SC_PAGESIZE);
	const size_t len = whole_pages(size);
	unsigned char *guard;
	void *p;

	guard = mmap(NULL, len + 2 * page, PROT_NONE,
	    MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	if (guard == MAP_FAILED)
		fatal("secret memory: mmap: %s", strerror(errno));
	p = map_hidden(guard + page, len);
	hidden = p != MAP_FAILED;
	if (!hidden)
		p = map_locked(guard + page, len);
	return p;
}

void
secret_free(void *p, size_t size)
{
	const size_t page = (size_t)sysconf(_SC_PAGESIZE);
	const size_t len = whole_pages(size);

	if (p == NULL)
		return;
	explicit_bzero(p, len);
	munmap((unsigned char *)p - page, len + 2 * page);
}

int
secret_is_hidden(void)
{
	return hidden;
}

int
secret_equal(const void *a, const void *b, size_t n)
{
	const volatile unsigned char *x = a, *y = b;
	unsigned diff = 0;
	size_t i;

	for (i = 0; i < n; i++)
		diff |= (unsigned)(x[i] ^ y[i]);
	return (int)(1 & ((diff - 1) >> 8));
}
