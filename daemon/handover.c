/*
 * See handover.h. The variable that tells the next binary its descriptors also holds the
 * process id, so that no other process takes it for its own.
 */
#include "daemon/handover.h"

#include "daemon/announce.h"
#include "daemon/hostfs.h"
#include "daemon/log.h"
#include "daemon/oomscore.h"
#include "fusechan/journal.h"
#include "nsutil/cleanup.h"

#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>

#define VARIABLE "EVLXCFS_HANDOVER"
#define TRIAL "EVLXCFS_TRIAL"

static char binary[PATH_MAX];
static char **arguments;
static char variable[PATH_MAX + 80] = VARIABLE "=";

static void find_binary(void)
{
	static const char deleted[] = " (deleted)";
	ssize_t n = readlinkat(hostfs_proc(), "self/exe", binary, sizeof(binary) - 1);
	size_t tail = sizeof(deleted) - 1;

	if (n < 0)
		n = 0;
	binary[n] = '\0';
	/* It was replaced while it ran: the new one is where it was. */
	if ((size_t)n > tail && !strcmp(binary + (size_t)n - tail, deleted))
		binary[(size_t)n - tail] = '\0';
}

/* execve(2) has named the process for the binary. Tools go by the name under which it was
 * started, which may have been a link's. */
static void keep_name(void)
{
	const char *slash = arguments[0] ? strrchr(arguments[0], '/') : NULL;

	if (arguments[0] && handover_resumes())
		prctl(PR_SET_NAME, slash ? slash + 1 : arguments[0]);
}

void handover_init(char **argv)
{
	arguments = argv;
	find_binary();
	keep_name();
}

/* LISTEN_FDS descriptors begin at 3 (sd_listen_fds(3)). The last of a name counts. */
static void find_listen(struct handover *out)
{
	const char *pid = getenv("LISTEN_PID"), *count = getenv("LISTEN_FDS");
	const char *name = getenv("LISTEN_FDNAMES");

	if (!pid || !count || !name || strtol(pid, NULL, 10) != getpid())
		return;
	for (int fd = 3; fd < 3 + atoi(count) && *name; fd++) {
		size_t len = strcspn(name, ":");

		if (len == strlen(ANNOUNCE_FUSE) && !strncmp(name, ANNOUNCE_FUSE, len))
			out->fuse = fd;
		if (len == strlen(ANNOUNCE_STATE) && !strncmp(name, ANNOUNCE_STATE, len))
			out->state = fd;
		name += len + (name[len] == ':');
	}
}

static bool is_open(int fd)
{
	return fd >= 0 && (fcntl(fd, F_SETFD, FD_CLOEXEC) == 0 || errno != EBADF);
}

static bool find_own(struct handover *out)
{
	const char *own = getenv(VARIABLE);
	struct handover found = {.self = true, .control = -1};
	int pid, target = 0;

	if (!own ||
		sscanf(own, "%d:%d:%d:%d:%d:%n", &pid, &found.fuse, &found.state,
			&found.worker, &found.control, &target) < 3 ||
		pid != getpid())
		return false;
	if (target && own[target] == '/')
		found.target = own + target;
	*out = found;
	return true;
}

bool handover_resumes(void)
{
	struct handover own;

	return find_own(&own);
}

void handover_find(struct handover *out, const struct options *options)
{
	*out = (struct handover){
		.fuse = options->fuse_fd, .state = options->state_fd, .control = -1};
	if (!find_own(out) && out->fuse < 0)
		find_listen(out);
	if (!is_open(out->fuse))
		out->fuse = -1;
	if (!is_open(out->state))
		out->state = -1;
	if (!is_open(out->control) || out->state < 0) {
		out->control = -1;
		out->worker = 0;
	}
	/* Whoever keeps them may have none yet. */
	if (!out->self &&
		(out->fuse != options->fuse_fd || out->state != options->state_fd) &&
		options->fuse_fd >= 0)
		log_warnx("--fuse-fd: descriptor %d is not open",
			out->fuse < 0 ? options->fuse_fd : options->state_fd);
}

static void exec_check(int out, const struct cgroups *cgroups)
{
	size_t count = 0;
	char **argv;
	sigset_t none;

	while (arguments[count])
		count++;
	argv = calloc(count + 2, sizeof(*argv));
	if (!argv || dup2(out, STDOUT_FILENO) < 0)
		return;
	argv[0] = arguments[0];
	argv[1] = (char *)(uintptr_t) "--check";
	if (count)
		memcpy(argv + 2, arguments + 1, (count - 1) * sizeof(*argv));
	oomscore_raise(OOMSCORE_HELPER);
	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
	putenv((char *)(uintptr_t)TRIAL "=1");
	hostfs_hand_on(true);
	cgroups_hand_on(cgroups, true);
	execv(binary, argv);
}

int handover_try(struct handover_trial *trial, const struct cgroups *cgroups)
{
	int pipefd[2];

	*trial = HANDOVER_TRIAL_NULL;
	if (!*binary)
		find_binary();
	if (stat(binary, &trial->binary) < 0 || access(binary, X_OK) < 0)
		return -errno;
	if (pipe2(pipefd, O_CLOEXEC | O_NONBLOCK) < 0)
		return -errno;
	trial->pid = fork();
	if (trial->pid == 0) {
		exec_check(pipefd[1], cgroups);
		_exit(127);
	}
	fd_close(pipefd[1]);
	trial->out = pipefd[0];
	if (trial->pid < 0) {
		int error = errno;
		handover_abort(trial);
		return -error;
	}
	return 0;
}

bool handover_replaced(const struct handover_trial *trial)
{
	const struct stat *old = &trial->binary;
	struct stat st;

	return stat(binary, &st) < 0 || st.st_dev != old->st_dev ||
	       st.st_ino != old->st_ino || st.st_mtim.tv_sec != old->st_mtim.tv_sec ||
	       st.st_mtim.tv_nsec != old->st_mtim.tv_nsec || st.st_size != old->st_size;
}

int handover_verdict(struct handover_trial *trial, int status, uint32_t form)
{
	unsigned other_form = 0;
	char text[64] = "";
	ssize_t n = read(trial->out, text, sizeof(text) - 1);
	bool other = handover_replaced(trial);
	int format = -1;

	trial->pid = 0;
	trial->out = fd_close(trial->out);
	if (other)
		return TRIAL_AGAIN;
	if (!WIFEXITED(status) || WEXITSTATUS(status) || n <= 0 ||
		sscanf(text, "evlxcfs %23s journal %d block %x", trial->version, &format,
			&other_form) < 2)
		return TRIAL_BAD;
	if (format != JOURNAL_FORMAT)
		return TRIAL_FOREIGN;
	return other_form == form ? TRIAL_BESIDE : TRIAL_GOOD;
}

void handover_abort(struct handover_trial *trial)
{
	if (trial->pid > 0)
		kill(trial->pid, SIGKILL);
	fd_close(trial->out);
	*trial = HANDOVER_TRIAL_NULL;
}

bool handover_is_trial(void)
{
	return getenv(TRIAL) != NULL;
}

void handover_print(uint32_t form)
{
	printf("evlxcfs %s journal %d block %x\n", EVLXCFS_VERSION, JOURNAL_FORMAT,
		(unsigned)form);
}

static bool set_flags(const struct handover *with, int flag)
{
	const int fds[] = {with->fuse, with->state, with->control};
	bool good = true;

	for (size_t i = 0; i < sizeof(fds) / sizeof(fds[0]); i++)
		if (fds[i] >= 0 && fcntl(fds[i], F_SETFD, flag) < 0)
			good = false;
	return good;
}

int handover_exec(const struct handover *with)
{
	int error;

	snprintf(variable, sizeof(variable), VARIABLE "=%d:%d:%d:%d:%d:%s", (int)getpid(),
		with->fuse, with->state, (int)with->worker, with->control, with->target);
	if (putenv(variable) == 0 && set_flags(with, 0))
		execv(binary, arguments);
	error = errno;
	set_flags(with, FD_CLOEXEC);
	return -error;
}
