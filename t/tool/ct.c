// Makes a container of cgroups and namespaces, and runs commands in it. One
// program instead of unshare, mount and nsenter from a shell, because in an
// emulated machine every exec costs a tenth of a second.
//
//	ct start DIR [OPTION...] -- COMMAND...	pid 1 is COMMAND; ends when it does
//	ct exec DIR COMMAND...			in the container
//	ct join DIR COMMAND...			in its cgroups alone
//
// DIR/cgroups lists the cgroup directories, one a line. start writes DIR/pid when
// the mounts are made, and waits for a byte from the fifo DIR/go before it
// becomes COMMAND. Options of start:
//	--mount=DIR	bind what the daemon serves at DIR over /proc and over
//			/sys/devices/system/cpu, as the hook does that LXC runs for lxcfs
//	--user		a user namespace; its root is uid 100000 outside
//	--host-pid	no pid namespace
//	--host-cgroup	no cgroup namespace
//	--boottime=SECONDS[,NANOSECONDS]	a time namespace with that offset
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <limits.h>
#include <sched.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

static void die(const char *what)
{
	fprintf(stderr, "ct: %s: %s\n", what, strerror(errno));
	exit(111);
}

__attribute__((format(printf, 1, 2))) static const char *path(const char *format, ...)
{
	static char buf[PATH_MAX];
	va_list ap;

	va_start(ap, format);
	vsnprintf(buf, sizeof buf, format, ap);
	va_end(ap);
	return buf;
}

static void put(const char *name, const char *text)
{
	int fd = open(name, O_WRONLY | O_CREAT | O_CLOEXEC, 0644);

	if (fd < 0 || write(fd, text, strlen(text)) < 0)
		die(name);
	close(fd);
}

static void join(const char *dir)
{
	char line[PATH_MAX];
	FILE *f = fopen(path("%s/cgroups", dir), "re");

	if (!f)
		die(path("%s/cgroups", dir));
	while (fgets(line, sizeof line, f)) {
		line[strcspn(line, "\n")] = '\0';
		put(path("%s/cgroup.procs", line), "0");
	}
	fclose(f);
}

// Only a process outside can write a map of many uids.
static void new_user(void)
{
	int ready[2];
	pid_t pid = -1, self = getpid();
	int status;
	char c;

	if (pipe2(ready, O_CLOEXEC) < 0 || (pid = fork()) < 0)
		die("fork");
	if (pid == 0) {
		close(ready[1]);
		if (read(ready[0], &c, 1) != 1)
			_exit(111);
		put(path("/proc/%d/uid_map", self), "0 100000 65536");
		put(path("/proc/%d/gid_map", self), "0 100000 65536");
		_exit(0);
	}
	if (unshare(CLONE_NEWUSER) < 0)
		die("user namespace");
	if (write(ready[1], "", 1) != 1 || waitpid(pid, &status, 0) < 0 || status)
		die("uid map");
	close(ready[0]);
	close(ready[1]);
}

// Its children are in it.
static void new_time(const char *offset)
{
	int s = 0, ns = 0, fd = open("/proc/self/timens_offsets", O_WRONLY | O_CLOEXEC);

	if (unshare(CLONE_NEWTIME) < 0)
		die("time namespace");
	sscanf(offset, "%d,%d", &s, &ns);
	if (fd < 0 || dprintf(fd, "boottime %d %d\n", s, ns) < 0)
		die("/proc/self/timens_offsets");
	close(fd);
}

static void become_root(void)
{
	if (setgroups(0, NULL) < 0 || setresgid(0, 0, 0) < 0 || setresuid(0, 0, 0) < 0)
		die("setuid");
}

static void bind_entries(const char *from, const char *to)
{
	DIR *d = opendir(from);
	struct dirent *e;
	struct stat st;

	if (!d)
		die(from);
	while ((e = readdir(d))) {
		char source[PATH_MAX], target[PATH_MAX];

		if (e->d_name[0] == '.')
			continue;
		snprintf(source, sizeof source, "%s/%s", from, e->d_name);
		snprintf(target, sizeof target, "%s/%s", to, e->d_name);
		if (stat(target, &st) == 0 && mount(source, target, NULL, MS_BIND, NULL) < 0)
			die(target);
	}
	closedir(d);
}

static void make_mounts(const char *from, int fresh_proc)
{
	char cpu[PATH_MAX];
	struct stat st;

	if (fresh_proc && mount("proc", "/proc", "proc", MS_NOSUID | MS_NODEV | MS_NOEXEC, NULL) < 0)
		die("mount proc");
	if (!from)
		return;
	bind_entries(path("%s/proc", from), "/proc");
	snprintf(cpu, sizeof cpu, "%s/sys/devices/system/cpu", from);
	if (stat(path("%s/uevent", cpu), &st) == 0) {
		if (mount(cpu, "/sys/devices/system/cpu", NULL, MS_BIND, NULL) < 0)
			die("/sys/devices/system/cpu");
	} else if (stat(cpu, &st) == 0) {
		bind_entries(cpu, "/sys/devices/system/cpu");
	}
	// A container does not see the daemon's mount itself; in a user namespace it
	// is locked and stays.
	umount2(from, MNT_DETACH);
}

static int outcome(pid_t pid)
{
	int status;

	while (waitpid(pid, &status, 0) < 0)
		if (errno != EINTR)
			die("wait");
	return WIFSIGNALED(status) ? 128 + WTERMSIG(status) : WEXITSTATUS(status);
}

static int start(const char *dir, char **argv)
{
	int ns = CLONE_NEWNS | CLONE_NEWIPC | CLONE_NEWUTS | CLONE_NEWCGROUP | CLONE_NEWPID;
	int user = 0, hold[2], go, pidfile;
	const char *from = NULL, *boottime = NULL;
	char c;
	pid_t pid;

	for (; *argv && strcmp(*argv, "--"); argv++) {
		if (!strncmp(*argv, "--mount=", 8))
			from = *argv + 8;
		else if (!strncmp(*argv, "--boottime=", 11))
			boottime = *argv + 11;
		else if (!strcmp(*argv, "--user"))
			user = 1;
		else if (!strcmp(*argv, "--host-pid"))
			ns &= ~CLONE_NEWPID;
		else if (!strcmp(*argv, "--host-cgroup"))
			ns &= ~CLONE_NEWCGROUP;
		else
			return 100;
	}
	if (!*argv || !*++argv)
		return 100;
	// Opened now: uid 100000 may not.
	go = open(path("%s/go", dir), O_RDWR | O_CLOEXEC);
	pidfile = open(path("%s/pid", dir), O_WRONLY | O_CREAT | O_CLOEXEC, 0644);
	if (go < 0 || pidfile < 0 || pipe2(hold, O_CLOEXEC) < 0)
		die(dir);
	join(dir);
	// uid 100000 may not open its own /proc/self/timens_offsets.
	if (boottime)
		new_time(boottime);
	if (user) {
		new_user();
		become_root();
	}
	if (unshare(ns) < 0)
		die("unshare");
	if (mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) < 0)
		die("private mounts");
	pid = ns & CLONE_NEWPID ? fork() : 0;
	if (pid < 0)
		die("fork");
	if (pid == 0) {
		if (ns & CLONE_NEWPID)
			prctl(PR_SET_PDEATHSIG, SIGKILL);
		make_mounts(from, ns & CLONE_NEWPID);
		if (ns & CLONE_NEWPID) {
			if (write(hold[1], "", 1) != 1)
				die("pipe");
		} else {
			dprintf(pidfile, "%d\n", getpid());
		}
		if (read(go, &c, 1) != 1)
			die("go");
		execvp(*argv, argv);
		die(*argv);
	}
	close(hold[1]);
	if (read(hold[0], &c, 1) != 1)
		return outcome(pid);
	dprintf(pidfile, "%d\n", pid);
	return outcome(pid);
}

static int enter(const char *dir, char **argv)
{
	static const struct {
		const char *name;
		int type;
	} table[] = {
		{"time", CLONE_NEWTIME}, {"user", CLONE_NEWUSER}, {"cgroup", CLONE_NEWCGROUP},
		{"ipc", CLONE_NEWIPC}, {"uts", CLONE_NEWUTS}, {"pid", CLONE_NEWPID},
		{"mnt", CLONE_NEWNS},
	};
	enum { n = sizeof table / sizeof *table };
	int fd[n], user = 0;
	struct stat own, theirs;
	FILE *f = fopen(path("%s/pid", dir), "re");
	int pid;

	if (!f || fscanf(f, "%d", &pid) != 1)
		die(path("%s/pid", dir));
	fclose(f);
	for (int i = 0; i < n; i++) {
		fd[i] = open(path("/proc/%d/ns/%s", pid, table[i].name), O_RDONLY | O_CLOEXEC);
		// Before Linux 5.6.
		if (fd[i] < 0 && errno == ENOENT && table[i].type == CLONE_NEWTIME)
			continue;
		if (fd[i] < 0 || fstat(fd[i], &theirs) < 0 ||
		    stat(path("/proc/self/ns/%s", table[i].name), &own) < 0)
			die(table[i].name);
		if (own.st_ino == theirs.st_ino) {
			close(fd[i]);
			fd[i] = -1;
		}
	}
	join(dir);
	for (int i = 0; i < n; i++) {
		if (fd[i] < 0)
			continue;
		if (setns(fd[i], table[i].type) < 0)
			die(table[i].name);
		user |= table[i].type == CLONE_NEWUSER;
	}
	if (user)
		become_root();
	if (chdir("/") < 0)
		die("/");
	pid = fork();
	if (pid < 0)
		die("fork");
	if (pid == 0) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		execvp(*argv, argv);
		die(*argv);
	}
	return outcome(pid);
}

int main(int argc, char **argv)
{
	int r = 100;

	if (argc > 3 && !strcmp(argv[1], "start")) {
		r = start(argv[2], argv + 3);
	} else if (argc > 3 && !strcmp(argv[1], "exec")) {
		return enter(argv[2], argv + 3);
	} else if (argc > 3 && !strcmp(argv[1], "join")) {
		join(argv[2]);
		execvp(argv[3], argv + 3);
		die(argv[3]);
	}
	if (r == 100)
		fprintf(stderr, "usage: ct start DIR [OPTION...] -- COMMAND... | ct exec|join DIR COMMAND...\n");
	return r;
}
