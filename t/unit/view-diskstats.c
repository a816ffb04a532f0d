/*
 * diskstats: captured trees (times computed by a program of its own from the same files),
 * and small ones with the lines that kernels are known to print.
 */
#include "t/unit/fixture.h"
#include "t/unit/tap.h"

#include <stdlib.h>

static const char host_disks[] =
	"   8       0 sda 1000 50 80000 2000 500 20 40000 3000 3 4000 5000 100 1 8000 60 "
	"7 9\n"
	"   8       1 sda1 900 50 70000 1900 400 20 30000 2900 0 3900 4900 90 1 7000 50 "
	"0 0\n"
	"   8      16 sdb 10 0 80 20 0 0 0 0 0 20 20 0 0 0 0 0 0\n"
	"   7       0 loop0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0\n"
	" 259       0 nvme0n1 400 0 3200 100 200 0 1600 50 0 150 150 0 0 0 0 0 0\n"
	" 259       1 nvme0n1p1 400 0 3200 100 200 0 1600 50 0 150 150 0 0 0 0 0 0\n"
	" 253       0 dm-0 400 0 3200 200 200 0 1600 90 0 290 290 0 0 0 0 0 0\n";

static void start(struct fixture *f, const char *disks, bool v2)
{
	fixture_new(f);
	fixture_write(f, "proc/diskstats", disks);
	if (v2)
		fixture_write(f, "cgroup/cgroup.controllers", "cpu io memory\n");
}

static const char *show(struct fixture *f, const char *cgroup)
{
	/* A start of its own for each: what was shown before is another container's. */
	static uint64_t start_ns;

	if (!f->files)
		fixture_load(f);
	fixture_container(f, cgroup, ++start_ns);
	return fixture_show(f, view_diskstats, 0);
}

static void captured(const char *name, const char *expect)
{
	struct fixture f;

	fixture_open(&f, name);
	is_str(show(&f, "/ct"), expect, name);
	is_str(fixture_show(&f, view_diskstats, 0), expect, "the same again");
	is_str(show(&f, "/"), "HOST", "root cgroup");
	fixture_deinit(&f);
}

static void test_v2(void)
{
	struct fixture f;

	start(&f, host_disks, true);
	fixture_write(&f, "cgroup/io.stat",
		"8:16 rbytes=5120 wbytes=0 rios=10 wios=0 dbytes=0 dios=0\n");
	fixture_write(&f, "cgroup/a/io.stat",
		"8:16 rbytes=1024 wbytes=0 rios=2 wios=0 dbytes=0 dios=0\n");
	fixture_write(&f, "cgroup/a/ct/io.stat",
		"(unknown) rbytes=1024 wbytes=0 rios=1 wios=0 dbytes=0 dios=0\n"
		"7:0 \n"
		"8:0 rbytes=4096000 wbytes=5120 rios=250 wios=50 dbytes=1024 dios=25\n"
		"8:16 rbytes=0 wbytes=0 rios=0 wios=0 dbytes=0 dios=0 cost.usage=0\n"
		"7:1 7:2 253:0 rbytes=512000 wbytes=0 rios=100 wios=0 dbytes=0 dios=0 "
		"use_delay=1 avg_lat=2\n"
		"259:0 rbytes=512000 wbytes=0 rios=100 wios=0 dbytes=0 dios=0\n"
		"99:9 rbytes=1 wbytes=1 rios=1 wios=1 dbytes=1 dios=1\n");
	/* sda: 2000*250/1000, 3000*50/500, 4000*325/1600, 5000*325/1600, 60*25/100 */
	is_str(show(&f, "/a/ct"),
		"   8       0 sda 250 0 8000 500 50 0 10 300 0 812 1015 25 0 2 15 0 0\n"
		" 259       0 nvme0n1 100 0 1000 25 0 0 0 0 0 25 25 0 0 0 0 0 0\n"
		" 253       0 dm-0 100 0 1000 50 0 0 0 0 0 48 48 0 0 0 0 0 0\n",
		"v2: host's order and names; unknown, unused, joined and foreign lines");
	is_str(show(&f, "/a/none"),
		"   8      16 sdb 2 0 2 4 0 0 0 0 0 4 4 0 0 0 0 0 0\n",
		"controller not enabled here: the nearest that has it");
	is_str(show(&f, "/b/ct"), "HOST",
		"enabled nowhere but in the root: the host's file");
	is_str(show(&f, "/"), "HOST", "the root");
	fixture_write(&f, "cgroup/a/ct/io.stat", "");
	is_str(show(&f, "/a/ct"), "", "nothing used: not the parent's figures");
	fixture_write(&f, "cgroup/a/ct/io.stat",
		"garbage\n\n8:0\n8: rios=5\n:0 rios=5\n8:0x rios=5\n-1:0 rios=1\n=\n= =\n"
		"8:16 rios=abc wios= =7 wbytes=-1 rbytes=12x rios=\n");
	is_str(show(&f, "/a/ct"), "", "garbage");
	fixture_write(&f, "cgroup/a/ct/io.stat",
		"8:0 rbytes=18446744073709551615 wbytes=99999999999999999999 "
		"rios=18446744073709551615 wios=18446744073709551614 dios=1\n");
	is_str(show(&f, "/a/ct"),
		"   8       0 sda 18446744073709551615 0 36028797018963967 2000 "
		"18446744073709551614 0 36028797018963967 3000 0 4000 5000 1 0 0 0 0 0\n",
		"counters near overflow; more I/Os than the host has: its times, no "
		"more");
	fixture_remove(&f, "cgroup/a/ct");
	is_str(show(&f, "/a/ct"), "   8      16 sdb 2 0 2 4 0 0 0 0 0 4 4 0 0 0 0 0 0\n",
		"vanished: its parent's");
	fixture_remove(&f, "cgroup/a");
	is_str(show(&f, "/a/ct"), "HOST", "vanished altogether");
	fixture_deinit(&f);
}

static void test_formats(void)
{
	struct fixture f;

	start(&f,
		"   8       0 sda 10 1 80 20 10 1 80 20 1 30 40\n"
		"   8      16 sdb 10 1 80 20 10 1 80 20 1 30 40 10 1 80 20\n"
		"   8      32 sdc 10 1 80 20 10 1 80 20 1 30 40 10 1 80 20 5 6 new 77\n"
		" 104       0 cciss/c0d0 18446744073709551615 0 0 18446744073709551615 0 "
		"0 0 0 0 0 0\n"
		"odd line\n"
		"   8      48 sdd 1 2\n",
		true);
	fixture_write(&f, "cgroup/ct/io.stat",
		"8:0 rbytes=4096 wbytes=512 rios=5 wios=1 dbytes=512 dios=5\n"
		"8:16 rbytes=4096 wbytes=512 rios=5 wios=1 dbytes=512 dios=5\n"
		"8:32 rbytes=4096 wbytes=512 rios=5 wios=1 dbytes=512 dios=5\n"
		"104:0 rbytes=4096 rios=9223372036854775808\n");
	/* 30*11/20 and 40*11/20 of the first; 30*11/30 and 40*11/30 of the others */
	is_str(show(&f, "/ct"),
		"   8       0 sda 5 0 8 10 1 0 1 2 0 16 22\n"
		"   8      16 sdb 5 0 8 10 1 0 1 2 0 11 14 5 0 1 10\n"
		"   8      32 sdc 5 0 8 10 1 0 1 2 0 11 14 5 0 1 10 0 0 new 77\n"
		" 104       0 cciss/c0d0 9223372036854775808 0 8 9223372036854775808 0 0 "
		"0 0 0 0 "
		"0\n"
		"odd line\n"
		"   8      48 sdd 1 2\n",
		"14, 18 and more than 20 fields; lines that are none");
	fixture_remove(&f, "proc/diskstats");
	host_deinit(&f.host);
	is_str(show(&f, "/ct"), "HOST", "no host file");
	fixture_deinit(&f);
}

static void throttle(
	struct fixture *f, const char *cgroup, const char *kind, const char *text)
{
	char path[128];

	snprintf(path, sizeof(path), "cgroup/blkio%s/blkio.%s_recursive", cgroup, kind);
	fixture_write(f, path, text);
}

static void test_v1(void)
{
	static const char none[] = "Total 0\n";
	struct fixture f;

	start(&f, host_disks, false);
	throttle(&f, "", "throttle.io_serviced",
		"8:16 Read 10\n8:16 Total 10\n259:0 Read 0\n8:0 Read 7\nTotal 17\n");
	throttle(&f, "/ct", "throttle.io_serviced",
		"8:0 Read 250\n8:0 Write 50\n8:0 Sync 9\n8:0 Async 8\n8:0 Discard 25\n"
		"8:0 Total 325\n259:0 Read 0\n259:0 Write 0\n259:0 Total 0\nTotal 325\n");
	throttle(&f, "/ct", "throttle.io_service_bytes",
		"8:0 Read 4096000\n8:0 Write 5120\n8:0 Discard 1024\n8:0 Total 1\nTotal "
		"1\n");
	is_str(show(&f, "/ct"),
		"   8       0 sda 250 0 8000 500 50 0 10 300 0 812 1015 25 0 2 15 0 0\n"
		" 259       0 nvme0n1 400 0 3200 100 200 0 1600 50 0 150 150 0 0 0 0 0 "
		"0\n"
		" 259       1 nvme0n1p1 400 0 3200 100 200 0 1600 50 0 150 150 0 0 0 0 0 "
		"0\n"
		" 253       0 dm-0 400 0 3200 200 200 0 1600 90 0 290 290 0 0 0 0 0 0\n",
		"v1: counted; never used; used and not counted; counted by nobody");
	throttle(&f, "/ct", "bfq.io_serviced", "259:0 Read 100\n8:0 Read 1\n");
	throttle(&f, "/ct", "bfq.io_service_bytes", "259:0 Read 512000\n8:0 Read 1\n");
	throttle(&f, "/ct", "io_serviced", "253:0 Read 100\nTotal 100\n");
	throttle(&f, "/ct", "io_service_bytes", "253:0 Read 512000\nTotal 1\n");
	is_str(show(&f, "/ct"),
		"   8       0 sda 250 0 8000 500 50 0 10 300 0 812 1015 25 0 2 15 0 0\n"
		" 259       0 nvme0n1 100 0 1000 25 0 0 0 0 0 25 25 0 0 0 0 0 0\n"
		" 253       0 dm-0 100 0 1000 50 0 0 0 0 0 48 48 0 0 0 0 0 0\n",
		"v1: a scheduler's figures where those count");
	is_str(show(&f, "/"), "HOST", "v1: the root");
	throttle(&f, "/big", "throttle.io_serviced",
		"8:0 Read 18446744073709551615\n8:0 Write 99999999999999999999\n");
	throttle(&f, "/big", "throttle.io_service_bytes",
		"8:0 Read 18446744073709551615\n");
	throttle(&f, "", "throttle.io_serviced",
		"8:0 Read 9\n259:0 Read 9\n253:0 Read 9\n"
		"8:16 Read 9\n");
	is_str(show(&f, "/big"),
		"   8       0 sda 18446744073709551615 0 36028797018963967 2000 "
		"18446744073709551615 0 0 3000 0 4000 5000 0 0 0 0 0 0\n",
		"v1: counters near overflow, and beyond");
	throttle(&f, "", "throttle.io_serviced", none);
	throttle(&f, "/b", "throttle.io_serviced", none);
	is_str(show(&f, "/b"),
		"   8       0 sda 1000 50 80000 2000 500 20 40000 3000 3 4000 5000 100 1 "
		"8000 60 7 "
		"9\n"
		"   8       1 sda1 900 50 70000 1900 400 20 30000 2900 0 3900 4900 90 1 "
		"7000 50 0 "
		"0\n"
		"   8      16 sdb 10 0 80 20 0 0 0 0 0 20 20 0 0 0 0 0 0\n"
		" 259       0 nvme0n1 400 0 3200 100 200 0 1600 50 0 150 150 0 0 0 0 0 "
		"0\n"
		" 259       1 nvme0n1p1 400 0 3200 100 200 0 1600 50 0 150 150 0 0 0 0 0 "
		"0\n"
		" 253       0 dm-0 400 0 3200 200 200 0 1600 90 0 290 290 0 0 0 0 0 0\n",
		"v1: nothing listed anywhere (6.10 and later): the host's lines of used "
		"devices");
	fixture_remove(&f, "cgroup/blkio/b");
	is_str(show(&f, "/b"), "HOST", "v1: vanished");
	fixture_deinit(&f);

	start(&f, host_disks, false);
	fixture_write(&f, "cgroup/unified/cgroup.controllers", "io\n");
	fixture_write(&f, "cgroup/memory/ct/memory.stat", "");
	fixture_write(&f, "cgroup/unified/ct/io.stat", "8:16 rbytes=512 rios=5\n");
	is_str(show(&f, "/ct"), "   8      16 sdb 5 0 1 10 0 0 0 0 0 10 10 0 0 0 0 0 0\n",
		"hybrid with io in v2");
	fixture_deinit(&f);
	start(&f, host_disks, false);
	fixture_write(&f, "cgroup/memory/ct/memory.stat", "");
	is_str(show(&f, "/ct"), "HOST", "no blkio controller");
	fixture_deinit(&f);
}

/* Its I/Os go on, whatever the controller does, and the times when the kernel's wrap. */
static void test_goes_on(void)
{
	static const char still[] = "   8       0 sda 60 0 10 2147484000 0 0 0 0 0 "
				    "2147484000 2147484000 0 0 0 0 0 0\n";
	uint64_t *shared = calloc(1, disktimes_size());
	struct fixture f;

	start(&f,
		"   8       0 sda 100 0 800 4294967000 0 0 0 0 0 4294967000 4294967000 0 0 0 "
		"0 0 0\n",
		true);
	fixture_write(&f, "cgroup/a/ct/io.stat", "8:0 rbytes=4096 rios=50\n");
	fixture_write(&f, "cgroup/a/io.stat", "8:0 rbytes=409600 rios=90\n");
	fixture_write(&f, "cgroup/b/io.stat", "8:0 rbytes=40960 rios=70\n");
	show(&f, "/a/ct");
	f.subject.disktimes = disktimes_attach(shared);
	is_str(fixture_show(&f, view_diskstats, 0),
		"   8       0 sda 50 0 8 2147483500 0 0 0 0 0 2147483500 2147483500 0 0 0 0 0 "
		"0\n",
		"half of the I/Os");
	/* 1,000 ms later, half of them. */
	fixture_write(&f, "proc/diskstats",
		"   8       0 sda 120 0 800 704 0 0 0 0 0 704 704 0 0 0 0 0 0\n");
	fixture_write(&f, "cgroup/a/ct/io.stat", "8:0 rbytes=5120 rios=60\n");
	is_str(fixture_show(&f, view_diskstats, 0), still,
		"the kernel's 32 bits went round");
	fixture_remove(&f, "cgroup/a/ct/io.stat");
	cgfiles_forget(f.files, f.ct);
	is_str(fixture_show(&f, view_diskstats, 0), still,
		"switched off: what others did is not shown");
	fixture_remove(&f, "cgroup/a/io.stat");
	cgfiles_forget(f.files, f.ct);
	is_str(fixture_show(&f, view_diskstats, 0), still,
		"switched off everywhere: nor is the host's file");
	fixture_write(&f, "cgroup/a/ct/io.stat", "");
	cgfiles_forget(f.files, f.ct);
	is_str(fixture_show(&f, view_diskstats, 0), still,
		"switched on, and nothing done since");
	fixture_write(&f, "cgroup/a/ct/io.stat", "8:0 rbytes=512 rios=1\n");
	is_str(fixture_show(&f, view_diskstats, 0),
		"   8       0 sda 61 0 11 2183275400 0 0 0 0 0 2183275400 2183275400 0 0 0 0 0 "
		"0\n",
		"and something");
	/* The host's I/Os fell: another device, with times of its own. */
	fixture_write(&f, "proc/diskstats",
		"   8       0 sda 61 0 800 10 0 0 0 0 0 10 10 0 0 0 0 0 0\n");
	is_str(fixture_show(&f, view_diskstats, 0),
		"   8       0 sda 61 0 11 10 0 0 0 0 0 10 10 0 0 0 0 0 0\n",
		"another device of that number: no more time than the host's");
	fixture_deinit(&f);
	free(shared);
}

/* The container's share of the times shrinks when others are busy, what it reads does
 * not. */
static void test_monotonic(void)
{
	static const char first[] =
		"   8       0 sda 10 0 8 100 0 0 0 0 0 100 100 0 0 0 0 0 0\n";
	uint64_t *shared = calloc(1, disktimes_size());
	struct fixture f;

	start(&f, "   8       0 sda 10 0 80 100 0 0 0 0 0 100 100 0 0 0 0 0 0\n", true);
	fixture_write(&f, "cgroup/ct/io.stat", "8:0 rbytes=4096 rios=10\n");
	fixture_write(&f, "cgroup/b/io.stat", "8:0 rbytes=4096 rios=10\n");
	show(&f, "/ct");
	f.subject.disktimes = disktimes_attach(shared);
	is_str(fixture_show(&f, view_diskstats, 0), first,
		"all I/Os are the container's");
	fixture_write(&f, "proc/diskstats",
		"   8       0 sda 1000 0 80 120 0 0 0 0 0 120 120 0 0 0 0 0 0\n");
	is_str(fixture_show(&f, view_diskstats, 0), first,
		"others are busy: no time goes back");
	f.ct->start_ns++;
	is_str(fixture_show(&f, view_diskstats, 0),
		"   8       0 sda 10 0 8 1 0 0 0 0 0 1 1 0 0 0 0 0 0\n",
		"another container");
	f.ct->start_ns--;
	f.subject.disktimes = disktimes_attach(shared);
	is_str(fixture_show(&f, view_diskstats, 0), first, "a new worker remembers");
	for (unsigned i = 0; i < DISKTIMES_PAIRS; i++) {
		f.ct->start_ns = 1000 + i;
		f.subject.now_ns = 1000 + i;
		fixture_show(&f, view_diskstats, 0);
	}
	fixture_write(&f, "proc/diskstats",
		"   8       0 sda 100000 0 80 120 0 0 0 0 0 120 120 0 0 0 0 0 0\n");
	is_str(fixture_show(&f, view_diskstats, 0),
		"   8       0 sda 10 0 8 1 0 0 0 0 0 1 1 0 0 0 0 0 0\n",
		"the newest is kept when there is no more room");
	fixture_write(&f, "proc/diskstats",
		"   8       0 sda 1 0 8 0 0 0 0 0 0 0 0 0 0 0 0 0 0\n");
	is_str(fixture_show(&f, view_diskstats, 0),
		"   8       0 sda 10 0 8 0 0 0 0 0 0 0 0 0 0 0 0 0 0\n",
		"the host's device was plugged in again: never more than the host's");
	free(shared);
	fixture_deinit(&f);
}

static void test_many(void)
{
	enum { DEVICES = 600, LINE = 128 };
	static char disks[DEVICES * LINE], stat[DEVICES * LINE], want[DEVICES * LINE];
	size_t d = 0, s = 0, w = 0;
	struct fixture f;

	for (unsigned i = 0; i < DEVICES; i++) {
		unsigned k = DEVICES - 1 - i;

		d += (size_t)sprintf(disks + d, "%4u %7u d%u 20 0 0 40 0 0 0 0 0 0 0\n",
			i / 16, i % 16, i);
		s += (size_t)sprintf(
			stat + s, "%u:%u rbytes=512 rios=%u\n", k / 16, k % 16, k % 20);
		w += (size_t)sprintf(want + w, "%4u %7u d%u %u 0 1 %u 0 0 0 0 0 0 0\n",
			i / 16, i % 16, i, i % 20, 2 * (i % 20));
	}
	start(&f, disks, true);
	fixture_write(&f, "cgroup/ct/io.stat", stat);
	is_str(show(&f, "/ct"), want, "600 devices, listed backwards");
	fixture_deinit(&f);
}

int main(void)
{
	captured("5.10-v2",
		"   8       0 sda 800 0 81920 400 160 0 20480 480 0 617 1184 4 0 2048 8 0 0\n"
		" 253       0 dm-0 820 0 81920 492 160 0 20480 512 0 636 1303 0 0 0 0 0 0\n");
	captured("6.1-v2",
		" 254       0 vda 125 0 98314 41 24 0 49152 89 0 100 138 0 0 0 0 0 0\n"
		" 253       0 zram0 0 0 0 0 16 0 65536 0 0 0 0 0 0 0 0 0 0\n");
	captured("6.12-v2",
		" 254       0 vda 122 0 98308 22 24 0 49152 90 0 105 120 0 0 0 0 0 0\n"
		" 253       0 zram0 0 0 0 0 245 0 26488 7 0 11 11 0 0 0 0 0 0\n");
	captured("6.1-v1", " 254       0 vda 257 0 98062 49 60 87 66350 240 0 232 293 2 "
			   "0 131074 0 10 2\n");
	captured("6.12-v1", " 254       0 vda 190 0 51974 62 56 88 66352 173 0 164 240 2 "
			    "0 131074 1 10 2\n"
			    " 253       0 zram0 2 0 16 0 1 0 8 0 0 0 0 0 0 0 0 0 0\n");
	captured("6.18-hybrid",
		" 254       0 vda 52496 9688 4701290 32520 21375 23751 4648088 8930 0 "
		"7380 42386 12253 40 1607280 798 4062 136\n");
	test_v2();
	test_formats();
	test_v1();
	test_monotonic();
	test_goes_on();
	test_many();
	return tap_done();
}
