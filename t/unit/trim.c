/*
 * Memory that outlives the process is given back when many containers are gone.
 */
#include "cache/cpuhist.h"

#include "cache/cpuview.h"
#include "t/unit/tap.h"

#include <signal.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

static void remember(struct cpuview *history, uint64_t pidns, pid_t init)
{
	static struct cpubook book = {.state = {.runs = 1, .lines = 1}};
	const struct container ct = {.pidns = pidns, .cgns = 1, .init = init};

	book.state.seen_ns = pidns;
	cpuhist_store(history, &ct, &book, pidns);
}

static bool remembered(struct cpuview *history, uint64_t pidns)
{
	static struct cpubook book;
	const struct container ct = {.pidns = pidns, .cgns = 1};

	return cpuhist_load(history, &ct, &book) && book.state.seen_ns == pidns;
}

/* Of a thousand containers all but the first ten end. */
static void test_trim(void)
{
	size_t size = cpuview_size(4);
	int fd = memfd_create("trim", MFD_CLOEXEC);
	struct cpuview *history;
	pid_t gone = fork();
	struct stat st;
	void *mem;

	if (gone == 0)
		pause();
	if (fd < 0 || ftruncate(fd, (off_t)size) < 0)
		return;
	mem = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	history = cpuview_attach(mem, size, 4);
	for (unsigned i = 1; i <= 1000; i++)
		remember(history, i, i <= 10 ? getpid() : gone);
	fstat(fd, &st);
	ok(st.st_blocks * 512 > 500000, "a thousand containers take %lld bytes",
		(long long)st.st_blocks * 512);
	kill(gone, SIGKILL);
	waitpid(gone, NULL, 0);
	cpuhist_trim(history);
	fstat(fd, &st);
	ok(st.st_blocks * 512 < 50000, "ten are left in %lld bytes",
		(long long)st.st_blocks * 512);
	ok(remembered(history, 1) && remembered(history, 10), "who lives is remembered");
	ok(!remembered(history, 11) && !remembered(history, 1000), "who is gone is not");
	remember(history, 2000, getpid());
	ok(remembered(history, 2000) && remembered(history, 10), "and others come");
	munmap(mem, size);
	close(fd);
}

int main(void)
{
	test_trim();
	return tap_done();
}
