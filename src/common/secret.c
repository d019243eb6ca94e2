/* SPDX-License-Identifier: Apache-2.0
 *
 * Memory for secrets, in keys and compute.  It must never fall back to memory
 * that can be swapped, dumped or inherited.
 */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <link.h>
#include <malloc.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "log.h"
#include "secret.h"

#ifndef SYS_memfd_secret
#define SYS_memfd_secret	447
#endif

/* Of the heap and the stack, beyond what is used at start-up. */
#define HEAP_ROOM	(1024 * 1024)
#define HEAP_PIECE	4096
#define STACK_ROOM	(256 * 1024)

static int hidden;

static size_t
whole_pages(size_t size)
{
	const size_t page = (size_t)sysconf(_SC_PAGESIZE);

	if (size == 0 || size > SIZE_MAX / 2)
		fatal("secret memory: invalid size %zu", size);
	return (size + page - 1) / page * page;
}

/* Memory that the kernel itself has no mapping of (Linux 5.14, when
 * enabled). */
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
		      "RLIMIT_MEMLOCK",
		    size, strerror(errno));
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

/* The heap gets room that it does not give back. */
static void
reserve_heap(void)
{
	static void *room[HEAP_ROOM / HEAP_PIECE];
	size_t i;

	(void)mallopt(M_TRIM_THRESHOLD, INT_MAX);
	for (i = 0; i < HEAP_ROOM / HEAP_PIECE; i++)
		if ((room[i] = malloc(HEAP_PIECE)) == NULL)
			fatal("secret memory: out of memory");
	for (i = 0; i < HEAP_ROOM / HEAP_PIECE; i++)
		free(room[i]);
}

static void
lock_range(uintptr_t from, uintptr_t to)
{
	const uintptr_t page = (uintptr_t)sysconf(_SC_PAGESIZE);

	from &= ~(page - 1);
	if (mlock((void *)from, to - from) == -1)
		fatal("secret memory: cannot lock %zu bytes: %s: raise "
		      "RLIMIT_MEMLOCK",
		    (size_t)(to - from), strerror(errno));
}

/* The data of the executable, or of a library: dl_iterate_phdr(3). */
static int
lock_data(struct dl_phdr_info *info, size_t size, void *unused)
{
	uintptr_t from;
	size_t i;

	(void)size;
	(void)unused;
	for (i = 0; i < info->dlpi_phnum; i++) {
		const ElfW(Phdr) *p = &info->dlpi_phdr[i];

		from = info->dlpi_addr + p->p_vaddr;
		if (p->p_type == PT_LOAD && p->p_flags & PF_W)
			lock_range(from, from + p->p_memsz);
	}
	return 0;
}

void
secret_lock_process(void)
{
	extern void *__libc_stack_end;		/* glibc: the stack at main() */
	unsigned char below[STACK_ROOM];
	uintptr_t end;

	reserve_heap();
	end = (uintptr_t)sbrk(0);
	lock_range(end - mallinfo2().arena, end);
	explicit_bzero(below, sizeof(below));	/* the stack grows first */
	lock_range((uintptr_t)below, (uintptr_t)__libc_stack_end);
	dl_iterate_phdr(lock_data, NULL);
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
