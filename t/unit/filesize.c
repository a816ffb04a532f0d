/*
 * Sizes of files while the host's texts grow: each is more than the text, and the end
 * that lseek(2) finds is one from which GNU tail finds the text's.
 */
#include "daemon/filesize.h"

#include "nsutil/kernel.h"
#include "t/unit/fixture.h"
#include "t/unit/tap.h"

#include <string.h>
#include <sys/stat.h>

static const struct node diskstats = {.name = "diskstats",
	.mode = S_IFREG | 0444,
	.host_file = HOST_DISKSTATS,
	.host_path = "diskstats"};
static const struct node meminfo = {.name = "meminfo",
	.mode = S_IFREG | 0444,
	.host_file = HOST_MEMINFO,
	.host_path = "meminfo"};
static const struct node online = {.name = "online",
	.mode = S_IFREG | 0444,
	.show = view_cpu_list,
	.host_file = NODE_HOST_NONE,
	.host_path = "online"};

static uint64_t now_ns = 1;

static struct filesize size_when(struct fixture *f, size_t len)
{
	static char text[65536];

	memset(text, 'x', len);
	text[len] = '\0';
	fixture_write(f, "proc/diskstats", text);
	now_ns += 1000000000;
	return filesize_of(&f->host, &diskstats, 1, now_ns);
}

/* GNU tail: it begins at the last multiple of 8 kB below the size and takes one block
 * before that if there is nothing. */
static bool tail_finds(uint64_t size, uint64_t len)
{
	uint64_t first = (size - 1) / 8192 * 8192;

	return len > first || first < 8192 || len > first - 8192;
}

static void test_growing(struct fixture *f)
{
	bool more = true, found = true, own = true;
	struct filesize size;

	for (size_t len = 0; len < 60000; len += 61) {
		size = size_when(f, len);
		more &= size.bytes > len && size.valid_ns < 1000000000;
		own &= size.own_end == (len >= 12288) &&
		       (size.valid_ns == 0) == size.own_end;
		for (size_t text = 1; text <= len; text += 997)
			found &= tail_finds(
				size.own_end ? filesize_own(text) : size.bytes, text);
	}
	ok(more, "a size is more than the host's text");
	ok(own, "a text of three pages or more has an end of its own for each caller");
	ok(found, "tail finds the end of every text that is no longer than the host's");
	size = size_when(f, 4000);
	is_u64(size.bytes, 16384, "a short text");
	is_u64(size.valid_ns, 500000000, "is asked for again after half a second");
	size = size_when(f, 20000);
	is_u64(size.bytes, 36864, "a long text");
	fixture_write(f, "proc/diskstats", "x");
	size = filesize_of(&f->host, &diskstats, 1, now_ns + 499999999);
	is_u64(size.bytes, 36864, "is not measured again at once");
	size = filesize_of(&f->host, &diskstats, 1, now_ns + 500000000);
	is_u64(size.bytes, 16384, "but soon");
}

static void test_own(void)
{
	bool good = true;

	for (size_t len = 0; len < 40000; len++)
		good &= filesize_own(len) > len && filesize_own(len) <= len + 8192 &&
			filesize_own(len) % 4096 == 0;
	ok(good, "the end for a caller is at most 8 kB behind the text");
}

static void test_steady(struct fixture *f, bool sizes)
{
	struct filesize size = filesize_of(&f->host, &meminfo, 1, now_ns);

	is_u64(size.bytes, sizes ? 4096 : 0, "a text that does not grow");
	is_u64(size.valid_ns, NODE_VALID_NS, "is not asked for again");
	size = filesize_of(&f->host, &online, 16, now_ns);
	is_u64(size.bytes, 4096, "a list of CPUs has a page, as in sysfs");
	size = filesize_of(&f->host, &online, 8192, now_ns);
	ok(size.bytes > 4096 * 5, "but for more CPUs than it has room for");
}

int main(void)
{
	struct fixture f;
	bool sizes = kernel_at_least(6, 5);

	fixture_new(&f);
	fixture_write(&f, "proc/diskstats", "x");
	fixture_load(&f);
	test_steady(&f, sizes);
	if (sizes)
		test_growing(&f);
	else
		is_u64(size_when(&f, 5000).bytes, 0, "no size before Linux 6.5");
	test_own();
	fixture_deinit(&f);
	return tap_done();
}
