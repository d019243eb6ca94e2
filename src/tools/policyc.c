/* SPDX-License-Identifier: Apache-2.0
 *
 * policyc: compiles each policy/ROLE.policy to a BPF program, at build time, so
 * that nothing parses a policy at run time.  The format is in policy/README.
 *
 *	policyc ROLE.policy ... > policies.c	the programs (policy.h)
 *	policyc -t ROLE.policy ... > texts.c	the texts
 *	policyc -n > names.c			the names of all system calls
 */
#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/filter.h>
#include <linux/futex.h>
#include <linux/netlink.h>
#include <linux/seccomp.h>
#include <linux/sev-guest.h>
#include <linux/tee.h>
#include <sched.h>
#include <seccomp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <unistd.h>

/* Newer than the headers of Debian 12. */
#ifndef PR_SET_MDWE
#define PR_SET_MDWE	65
#endif

#define ARGS	6		/* of a system call, and so of one rule */
#define CALLS	1024

#define C(name)	{ #name, (uint64_t)name }
static const struct {
	const char	*name;
	uint64_t	 value;
} constants[] = {
	C(PROT_NONE),
	C(PROT_READ),
	C(PROT_WRITE),
	C(MAP_PRIVATE),
	C(MAP_ANONYMOUS),
	C(MAP_STACK),
	C(MAP_NORESERVE),
	C(MAP_FIXED),
	C(MAP_SHARED),
	C(MADV_DONTNEED),
	C(MADV_FREE),
	C(MADV_NOHUGEPAGE),
	C(MADV_HUGEPAGE),
	C(MADV_DONTDUMP),
	C(MADV_WIPEONFORK),
	C(AF_UNIX),
	C(AF_INET),
	C(AF_INET6),
	C(SOCK_STREAM),
	C(SOCK_DGRAM),
	C(SOCK_CLOEXEC),
	C(SOCK_NONBLOCK),
	C(SOL_SOCKET),
	C(IPPROTO_TCP),
	C(IPPROTO_IP),
	C(IPPROTO_IPV6),
	C(F_GETFL),
	C(F_SETFL),
	C(F_GETFD),
	C(F_SETFD),
	C(F_DUPFD_CLOEXEC),
	C(F_ADD_SEALS),
	C(F_GET_SEALS),
	C(MFD_CLOEXEC),
	C(MFD_ALLOW_SEALING),
	C(O_NONBLOCK),
	C(LOCK_EX),
	C(LOCK_NB),
	C(LOCK_UN),
	C(O_RDWR),
	C(CLONE_THREAD),
	C(CLONE_VM),
	C(PR_SET_NAME),
	C(PR_SET_PDEATHSIG),
	C(STDERR_FILENO),
	C(FIONREAD),
	C(FIONBIO),
	C(SNP_GET_EXT_REPORT),
	C(TEE_IOC_INVOKE),
	C(O_WRONLY),
	C(O_CLOEXEC),
	C(ENOSYS),
	C(O_RDONLY),
	C(O_DIRECTORY),
	C(O_NOFOLLOW),
	C(O_PATH),
	C(PROT_EXEC),
	C(MREMAP_MAYMOVE),
	C(MADV_DONTFORK),
	C(F_DUPFD),
	C(AF_NETLINK),
	C(SOCK_RAW),
	C(SOCK_SEQPACKET),
	C(FUTEX_WAIT),
	C(FUTEX_WAKE),
	C(FUTEX_WAIT_BITSET),
	C(FUTEX_REQUEUE),
	C(FUTEX_CMP_REQUEUE),
	C(FUTEX_WAKE_OP),
	C(FUTEX_PRIVATE_FLAG),
	C(FUTEX_CLOCK_REALTIME),
	C(CLONE_FS),
	C(CLONE_FILES),
	C(CLONE_SIGHAND),
	C(CLONE_SYSVSEM),
	C(CLONE_SETTLS),
	C(CLONE_PARENT_SETTID),
	C(CLONE_CHILD_CLEARTID),
	C(CLONE_CHILD_SETTID),
	C(CLONE_NEWNET),
	C(SIGCHLD),
	C(SIGKILL),
	C(SIGTERM),
	C(PR_SET_NO_NEW_PRIVS),
	C(PR_SET_DUMPABLE),
	C(PR_CAPBSET_READ),
	C(PR_CAPBSET_DROP),
	C(PR_CAP_AMBIENT),
	C(PR_SET_MDWE),
	C(SECCOMP_SET_MODE_FILTER),
	C(TCGETS),
	C(MCL_CURRENT),
	C(MCL_FUTURE),
	C(MCL_ONFAULT),
	C(SNP_GET_REPORT),
	C(TEE_IOC_VERSION),
	C(TEE_IOC_OPEN_SESSION),
	C(TEE_IOC_CLOSE_SESSION),
	C(TEE_IOC_SHM_ALLOC),
	C(FUTEX_WAKE_PRIVATE),
	C(FUTEX_WAIT_PRIVATE),
	C(MSG_DONTWAIT),
	C(MSG_NOSIGNAL),
	C(MSG_CMSG_CLOEXEC),
	C(MSG_ERRQUEUE),
	C(MAP_DENYWRITE),
	C(AT_EMPTY_PATH),
	C(AT_SYMLINK_NOFOLLOW),
	C(SO_REUSEADDR),
	C(SO_REUSEPORT),
	C(SO_SNDBUF),
	C(SO_ZEROCOPY),
	C(TCP_NODELAY),
	C(TCP_USER_TIMEOUT),
	C(TCP_INQ),
	C(IPV6_V6ONLY),
	C(NETLINK_ROUTE),
	C(SIGABRT),
};

static const char *file;
static unsigned line;

static void __attribute__((noreturn, format(printf, 1, 2)))
bad(const char *fmt, ...)
{
	va_list ap;

	fprintf(stderr, "policyc: %s:%u: ", file, line);
	va_start(ap, fmt);
	vfprintf(stderr, fmt, ap);
	va_end(ap);
	fputc('\n', stderr);
	exit(1);
}

static char *
trim(char *s)
{
	char *end;

	while (isspace((unsigned char)*s))
		s++;
	for (end = s + strlen(s); end > s && isspace((unsigned char)end[-1]);)
		*--end = '\0';
	return s;
}

/* Cut `s' at the first `sep': the rest, or NULL. */
static char *
cut(char *s, const char *sep)
{
	char *p = strstr(s, sep);

	if (p == NULL)
		return NULL;
	*p = '\0';
	return p + strlen(sep);
}

/* NAME, NUMBER, or several with `|'. */
static uint64_t
parse_value(char *s)
{
	uint64_t sum = 0;
	char *next, *end;
	size_t i, n = sizeof(constants) / sizeof(constants[0]);

	for (; s != NULL; s = next) {
		next = cut(s, "|");
		s = trim(s);
		for (i = 0; i < n; i++)
			if (strcmp(constants[i].name, s) == 0)
				break;
		if (i < n) {
			sum |= constants[i].value;
			continue;
		}
		errno = 0;
		if (!isdigit((unsigned char)*s))
			bad("%s: no such constant: add it to policyc", s);
		sum |= strtoull(s, &end, 0);
		if (*end != '\0' || errno != 0)
			bad("%s: not a number", s);
	}
	return sum;
}

/* argN == V, argN != V, argN in MASK (no bit outside MASK). */
static struct scmp_arg_cmp
parse_test(char *s)
{
	static const struct {
		const char	*text;
		enum scmp_compare op;
	} ops[] = { { "==", SCMP_CMP_EQ }, { "!=", SCMP_CMP_NE },
		{ " in ", SCMP_CMP_MASKED_EQ } };
	struct scmp_arg_cmp c = { 0 };
	char *value = NULL;
	size_t i;

	s = trim(s);
	if (strncmp(s, "arg", 3) != 0 || s[3] < '0' || s[3] >= '0' + ARGS)
		bad("`%s': want argN == V, argN != V or argN in A|B", s);
	c.arg = (unsigned)(s[3] - '0');
	for (i = 0; i < 3 && value == NULL; i++) {
		c.op = ops[i].op;
		value = cut(s + 4, ops[i].text);
	}
	if (value == NULL || *trim(s + 4) != '\0')
		bad("`%s': want ==, != or in", s);
	c.datum_a = parse_value(value);
	if (c.op == SCMP_CMP_MASKED_EQ) {
		c.datum_a = ~c.datum_a;
		c.datum_b = 0;
	}
	return c;
}

/* `return ERRNO': refused with that error, for libraries that then use another
 * call. */
static void
add_refusal(scmp_filter_ctx ctx, int nr, char *s)
{
	int r = seccomp_rule_add_exact_array(
	    ctx, SCMP_ACT_ERRNO((uint32_t)parse_value(s)), nr, 0, NULL);

	if (r != 0)
		bad("%s", strerror(-r));
}

/* One alternative: tests joined by &&. */
static void
add_rule(scmp_filter_ctx ctx, int nr, char *s)
{
	struct scmp_arg_cmp tests[ARGS];
	unsigned n = 0;
	char *next;
	int r;

	if (strcmp(trim(s), "1") != 0)
		for (; s != NULL; s = next) {
			next = cut(s, "&&");
			if (n == ARGS)
				bad("too many tests");
			tests[n++] = parse_test(s);
		}
	if ((r = seccomp_rule_add_exact_array(
		 ctx, SCMP_ACT_ALLOW, nr, n, tests)) != 0)
		bad("%s", strerror(-r));
}

static void
parse_line(scmp_filter_ctx ctx, char seen[CALLS], char *s)
{
	char *reason, *rule, *next;
	int nr;

	if (*trim(s) == '#' || *trim(s) == '\0')
		return;
	if ((reason = cut(s, "#")) == NULL || *trim(reason) == '\0')
		bad("a rule without its reason: `call: 1 # why'");
	if ((rule = cut(s, ":")) == NULL)
		bad("no `:' after the system call");
	nr = seccomp_syscall_resolve_name(trim(s));
	if (nr == __NR_SCMP_ERROR)
		bad("%s: no such system call", trim(s));
	if (nr < 0)
		return;		/* not on this architecture */
	if (nr < CALLS && seen[nr]++)
		bad("%s: second rule; use ||", trim(s));
	if (strncmp(trim(rule), "return ", 7) == 0) {
		add_refusal(ctx, nr, trim(rule) + 7);
		return;
	}
	for (; rule != NULL; rule = next) {
		next = cut(rule, "||");
		add_rule(ctx, nr, rule);
	}
}

/* "keys" of "../policy/keys.policy" */
static const char *
role_of(const char *path)
{
	static char role[32];
	const char *slash = strrchr(path, '/');

	snprintf(role, sizeof(role), "%s", slash != NULL ? slash + 1 : path);
	role[strcspn(role, ".")] = '\0';
	return role;
}

static void
print_filter(scmp_filter_ctx ctx)
{
	const int fd = memfd_create("bpf", 0);
	struct sock_filter f;

	if (fd == -1 || seccomp_export_bpf(ctx, fd) != 0 ||
	    lseek(fd, 0, SEEK_SET) != 0)
		bad("cannot make the filter");
	printf("static const struct sock_filter %s[] = {\n", role_of(file));
	while (read(fd, &f, sizeof(f)) == sizeof(f))
		printf(
		    "\t{ 0x%04x, %u, %u, 0x%08x },\n", f.code, f.jt, f.jf, f.k);
	printf("};\n");
	close(fd);
}

static FILE *
open_policy(const char *path)
{
	FILE *f = fopen(path, "r");

	if (f == NULL) {
		fprintf(stderr, "policyc: %s: %s\n", path, strerror(errno));
		exit(1);
	}
	file = path;
	line = 0;
	return f;
}

static void
compile(const char *path)
{
	char seen[CALLS] = "", text[512];
	FILE *f = open_policy(path);
	scmp_filter_ctx ctx;

	/* Trapped, so that the process can name the call before it dies. */
	if ((ctx = seccomp_init(SCMP_ACT_TRAP)) == NULL ||
	    seccomp_attr_set(
		ctx, SCMP_FLTATR_ACT_BADARCH, SCMP_ACT_KILL_PROCESS) != 0 ||
	    seccomp_attr_set(ctx, SCMP_FLTATR_CTL_OPTIMIZE, 2) != 0)
		bad("libseccomp is too old");
	while (fgets(text, sizeof(text), f) != NULL) {
		line++;
		if (strchr(text, '\n') == NULL)
			bad("line too long");
		parse_line(ctx, seen, text);
	}
	print_filter(ctx);
	seccomp_release(ctx);
	fclose(f);
}

static int
print_policies(int n, char **paths)
{
	int i;

	printf("/* Made by policyc. */\n#include \"policy.h\"\n\n");
	for (i = 0; i < n; i++)
		compile(paths[i]);
	printf("\nconst struct policy policies[] = {\n");
	for (i = 0; i < n; i++) {
		const char *role = role_of(paths[i]);

		printf("\t{ \"%s\", %s, sizeof(%s) / sizeof(%s[0]) },\n", role,
		    role, role, role);
	}
	printf("};\nconst size_t n_policies = %d;\n", n);
	return 0;
}

static int
print_texts(int n, char **paths)
{
	FILE *f;
	int i, c, col;

	printf("/* Made by policyc -t. */\n#include \"policy.h\"\n\n"
	       "const char *const policy_texts[] = {\n");
	for (i = 0; i < n; i++) {
		f = open_policy(paths[i]);
		for (col = 0; (c = getc(f)) != EOF; col = c != '\n') {
			if (col == 0)
				printf("\t\"");
			if (c == '\n')
				printf("\\n\"\n");
			else
				printf(
				    c == '"' || c == '\\' ? "\\%c" : "%c", c);
		}
		printf("\t,\n");
		fclose(f);
	}
	printf("};\n");
	return 0;
}

static int
print_names(void)
{
	char *name;
	int nr;

	printf("/* Made by policyc -n. */\n#include \"syscalls.h\"\n\n"
	       "static const char *const names[] = {\n");
	for (nr = 0; nr < 512; nr++)
		if ((name = seccomp_syscall_resolve_num_arch(
			 SCMP_ARCH_NATIVE, nr)) != NULL) {
			printf("\t[%d] = \"%s\",\n", nr, name);
			free(name);
		}
	printf(
	    "};\n\nconst char *\nsyscall_name(uint32_t nr)\n{\n"
	    "\tconst size_t n = sizeof(names) / sizeof(names[0]);\n\n"
	    "\treturn nr < n && names[nr] != NULL ? names[nr] : \"?\";\n}\n");
	return 0;
}

int
main(int argc, char **argv)
{
	int r;

	if (argc == 2 && strcmp(argv[1], "-n") == 0)
		r = print_names();
	else if (argc > 2 && strcmp(argv[1], "-t") == 0)
		r = print_texts(argc - 2, argv + 2);
	else if (argc > 1 && argv[1][0] != '-')
		r = print_policies(argc - 1, argv + 1);
	else {
		fprintf(stderr,
		    "usage: policyc [-t] ROLE.policy ... | policyc -n\n");
		return 2;
	}
	return r != 0 || ferror(stdout) || fflush(stdout) != 0;
}
