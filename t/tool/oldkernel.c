// oldkernel COMMAND...: runs it as if the kernel were Linux 4.19: system calls that
// came later say ENOSYS, and so does the namespace ioctl of Linux 6.11 with ENOTTY.
// oldkernel --probe: prints the names of those that say so, of some old ones and of all
// new ones that a daemon could want.
#include <errno.h>
#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

// rseq came with 4.18; all that came after 4.19 has a higher number, everywhere.
#ifdef SYS_rseq
#define LAST SYS_rseq
#elif defined(__x86_64__)
#define LAST 334
#else
#define LAST 293
#endif
#define GET_PID_FROM_PIDNS _IOR(0xb7, 0x6, int)

#if __BYTE_ORDER__ == __ORDER_BIG_ENDIAN__
enum { LOW = 4 };
#else
enum { LOW = 0 };
#endif

// asm-generic/unistd.h; numbers from 424 on are the same on every architecture. None of
// them does anything with the arguments it gets here.
static const struct {
	const char *name;
	long number;
} probes[] = {
	{"statx", SYS_statx},
	{"getrandom", SYS_getrandom},
	{"memfd_create", SYS_memfd_create},
	{"setns", SYS_setns},
	{"pidfd_send_signal", 424},
	{"io_uring_setup", 425},
	{"io_uring_enter", 426},
	{"open_tree", 428},
	{"move_mount", 429},
	{"fsopen", 430},
	{"fsconfig", 431},
	{"fsmount", 432},
	{"fspick", 433},
	{"pidfd_open", 434},
	{"clone3", 435},
	{"close_range", 436},
	{"openat2", 437},
	{"pidfd_getfd", 438},
	{"faccessat2", 439},
	{"process_madvise", 440},
	{"epoll_pwait2", 441},
	{"mount_setattr", 442},
	{"process_mrelease", 448},
	{"fchmodat2", 452},
	{"statmount", 457},
	{"listmount", 458},
	{"mseal", 462},
};

static int probe(void)
{
	for (size_t i = 0; i < sizeof probes / sizeof *probes; i++)
		if (syscall(probes[i].number, -1L, -1L, -1L, -1L, -1L, -1L) < 0 && errno == ENOSYS)
			puts(probes[i].name);
	return 0;
}

int main(int argc, char **argv)
{
	struct sock_filter filter[] = {
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
		BPF_JUMP(BPF_JMP | BPF_JGT | BPF_K, LAST, 5, 0),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_ioctl, 0, 3),
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, args[1]) + LOW),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, GET_PID_FROM_PIDNS, 0, 1),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | ENOTTY),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | ENOSYS),
	};
	struct sock_fprog program = {sizeof filter / sizeof *filter, filter};

	if (argc < 2) {
		fprintf(stderr, "usage: oldkernel COMMAND... | --probe\n");
		return 100;
	}
	if (prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program) < 0) {
		perror("seccomp");
		return 111;
	}
	if (!strcmp(argv[1], "--probe"))
		return probe();
	execvp(argv[1], argv + 1);
	perror(argv[1]);
	return 111;
}
