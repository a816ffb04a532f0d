/*
 * See filesize.h.
 */
#include "daemon/filesize.h"

#include "nsutil/kernel.h"

#include <sys/stat.h>

#define KEEP_NS UINT64_C(500000000)

/* Host files whose length follows the host's devices, CPUs, interrupts and the like. */
static const bool grows[HOST_FILES] = {
	[HOST_CPUINFO] = true,
	[HOST_STAT] = true,
	[HOST_DISKSTATS] = true,
	[HOST_SWAPS] = true,
	[HOST_SLABINFO] = true,
};

/* Lengths of the host's texts, and when they were measured; 0: never. */
static struct {
	uint64_t len, at_ns;
} measured[HOST_FILES];

static uint64_t length_of(struct host *host, int file, uint64_t now_ns)
{
	__typeof__(&measured[0]) m = &measured[file];

	if (!m->at_ns || now_ns - m->at_ns >= KEEP_NS) {
		m->len = host_length(host, (enum host_file)file);
		m->at_ns = now_ns;
	}
	return m->len;
}

/* The next page but `more`. */
static uint64_t pages(uint64_t len, unsigned more)
{
	return (len / FILESIZE_PAGE + 1 + more) * FILESIZE_PAGE;
}

struct filesize filesize_of(
	struct host *host, const struct node *row, unsigned cpus, uint64_t now_ns)
{
	struct filesize size = {.valid_ns = NODE_VALID_NS};
	uint64_t len;

	if (!S_ISREG(row->mode))
		return size;
	/* A list is longest with every other CPU: up to four digits and a comma. */
	if (row->show == view_cpu_list)
		size.bytes = pages(cpus / 2 * 5, 0);
	else if (kernel_at_least(6, 5))
		size.bytes = FILESIZE_PAGE;
	if (!size.bytes || row->host_file == NODE_HOST_NONE || !grows[row->host_file])
		return size;
	len = length_of(host, row->host_file, now_ns);
	size.own_end = len + FILESIZE_PAGE >= FILESIZE_ALIKE;
	size.valid_ns = size.own_end ? 0 : KEEP_NS;
	size.bytes = size.own_end ? pages(len + len / 2, 1) : FILESIZE_ALIKE;
	return size;
}

uint64_t filesize_own(size_t len)
{
	return pages(len, 1);
}
