/* SPDX-License-Identifier: Apache-2.0
 *
 * policyc: compiles policy/ROLE.policy to a BPF program in C, at build time, so
 * that nothing parses a policy at run time.  The format is in policy/README.
 *
 *	policyc ROLE FILE > ROLE.policy.c
 *	policyc -n > names.c		the names of all system calls
 */
#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/filter.h>
#include <linux/sev-guest.h>
#include <linux/tee.h>
#include <sched.h>
#include <seccomp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <unistd.h>

#define ARGS	6		/* of a system call, and so of one rule */

#define C(name)	{ #name, (uint64_t)name }
static const struct {
	const char	*name;
	uint64_t	 value;
} constants[] = {
	C(PROT_NONE), C(PROT_READ), C(PROT_WRITE),
	C(MAP_PRIVATE), C(MAP_ANONYMOUS), C(MAP_STACK), C(MAP_NORESERVE),
	C(MAP_FIXED), C(MAP_SHARED),
	C(MADV_DONTNEED), C(MADV_FREE), C(MADV_NOHUGEPAGE), C(MADV_HUGEPAGE),
	C(MADV_DONTDUMP), C(MADV_WIPEONFORK),
	C(AF_UNIX), C(AF_INET), C(AF_INET6), C(SOCK_STREAM), C(SOCK_DGRAM),
	C(SOCK_CLOEXEC), C(SOCK_NONBLOCK), C(SOL_SOCKET), C(IPPROTO_TCP),
	C(IPPROTO_IP), C(IPPROTO_IPV6),
	C(F_GETFL), C(F_SETFL), C(F_GETFD), C(F_SETFD), C(F_DUPFD_CLOEXEC),
	C(F_ADD_SEALS), C(F_GET_SEALS), C(MFD_CLOEXEC), C(MFD_ALLOW_SEALING),
	C(O_NONBLOCK), C(O_RDWR), C(CLONE_THREAD), C(CLONE_VM),
	C(PR_SET_NAME), C(STDERR_FILENO), C(FIONREAD), C(FIONBIO),
	C(SNP_GET_EXT_REPORT), C(TEE_IOC_INVOKE), C(O_WRONLY), C(O_CLOEXEC),
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
	for (end = s + strlen(s); end > s && isspace((unsigned char)end[-1]); )
		*--end = '\0';
	return s;
}

/* Cut `s' at the first `sep': what is behind it, or NULL. */
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

/* argN == V, argN != V, argN in MASK (no bit beside those of MASK). */
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
	if ((r = seccomp_rule_add_exact_array(ctx, SCMP_ACT_ALLOW, nr, n,
	    tests)) != 0)
		bad("%s", strerror(-r));
}

static void
parse_line(scmp_filter_ctx ctx, char *s)
{
	static char seen[1024];
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
	if (nr < (int)sizeof(seen) && seen[nr]++)
		bad("%s: second rule; use ||", trim(s));
	for (; rule != NULL; rule = next) {
		next = cut(rule, "||");
		add_rule(ctx, nr, rule);
	}
}

static void
print_filter(scmp_filter_ctx ctx, const char *role)
{
	const int fd = memfd_create("bpf", 0);
	struct sock_filter f;
	unsigned n = 0;

	if (fd == -1 || seccomp_export_bpf(ctx, fd) != 0 ||
	    lseek(fd, 0, SEEK_SET) != 0)
		bad("cannot make the filter");
	printf("/* Made by policyc of %s.policy. */\n"
	    "#include \"sandbox.h\"\n\n"
	    "const char policy_role[] = \"%s\";\n"
	    "const struct sock_filter policy_filter[] = {\n", role, role);
	while (read(fd, &f, sizeof(f)) == sizeof(f)) {
		printf("\t{ 0x%04x, %u, %u, 0x%08x },\n", f.code, f.jt, f.jf,
		    f.k);
		n++;
	}
	printf("};\nconst unsigned short policy_filter_len = %u;\n", n);
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
	printf("};\n\nconst char *\nsyscall_name(uint32_t nr)\n{\n"
	    "\tconst size_t n = sizeof(names) / sizeof(names[0]);\n\n"
	    "\treturn nr < n && names[nr] != NULL ? names[nr] : \"?\";\n}\n");
	return 0;
}

int
main(int argc, char **argv)
{
	scmp_filter_ctx ctx;
	char text[512];
	FILE *f;

	if (argc == 2 && strcmp(argv[1], "-n") == 0)
		return print_names();
	if (argc != 3) {
		fprintf(stderr, "usage: policyc ROLE FILE | policyc -n\n");
		return 2;
	}
	file = argv[2];
	if ((f = fopen(file, "r")) == NULL) {
		fprintf(stderr, "policyc: %s: %s\n", file, strerror(errno));
		return 1;
	}
	/* Trapped, so that the process can name the call before it dies. */
	if ((ctx = seccomp_init(SCMP_ACT_TRAP)) == NULL ||
	    seccomp_attr_set(ctx, SCMP_FLTATR_ACT_BADARCH,
	    SCMP_ACT_KILL_PROCESS) != 0 ||
	    seccomp_attr_set(ctx, SCMP_FLTATR_CTL_OPTIMIZE, 2) != 0)
		bad("libseccomp is too old");
	while (fgets(text, sizeof(text), f) != NULL) {
		line++;
		if (strchr(text, '\n') == NULL)
			bad("line too long");
		parse_line(ctx, text);
	}
	print_filter(ctx, argv[1]);
	seccomp_release(ctx);
	fclose(f);
	return ferror(stdout) || fflush(stdout) != 0;
}
