/*
 * nsutil/psi: triggers as psi_write() and psi_trigger_create() of Linux 6.18 take them
 * from a privileged process, with the shortest window of Linux 6.3.
 */
#include "nsutil/psi.h"

#include "t/unit/tap.h"

#include <errno.h>
#include <string.h>

static void good(const char *data, size_t len, const char *want)
{
	char text[PSI_TRIGGER_SIZE] = "none";

	ok(psi_trigger(data, len, text) == 0 && !strcmp(text, want),
		"'%s' in %zu bytes is '%s'", data, len, want);
}

static void bad(const char *data, size_t len)
{
	char text[PSI_TRIGGER_SIZE];

	ok(psi_trigger(data, len, text) == -EINVAL, "'%s' in %zu bytes is none", data,
		len);
}

#define GOOD(data, want) good(data, sizeof(data), want)
#define BAD(data) bad(data, sizeof(data))

int main(void)
{
	GOOD("some 150000 2000000", "some 150000 2000000");
	good("full 1 10000000", 15, "full 1 10000000");
	GOOD("some 2000000 2000000\n", "some 2000000 2000000");
	GOOD("some 150000 1000000", "some 150000 1000000"); /* psi.rst's example */
	GOOD("some 100000 500000", "some 100000 500000");
	GOOD("full 500000 9999999", "full 500000 9999999");
	GOOD("some\t0150000   02000000 and", "some 150000 2000000");
	/* Cut where the kernel cuts: 31 bytes. */
	good("some 100000             20000000000", 35, "some 100000 2000000");
	bad("some 100000            2000000", 29);
	good("some 100000 2000000\0garbage", 27, "some 100000 2000000");
	BAD("");
	bad("some 100000 2000000", 0);
	bad("some 100000 2000000", 4);
	BAD("some");
	BAD("some 100000");
	BAD("some 0 2000000");
	BAD("some 2000001 2000000");
	BAD("some 100000 0");
	BAD("some 100000 499999");
	BAD("some 1 1");
	BAD("some 100000 10000001");
	BAD("some 100000 12000000");
	BAD("some 100000 4296967296");
	BAD("some -1 2000000");
	BAD("some 100000 -2000000");
	BAD("some 18446744073709651616 2000000");
	BAD(" some 100000 2000000");
	BAD("some +100000 2000000");
	BAD("somewhat 100000 2000000");
	BAD("all 100000 2000000");
	BAD("Some 100000 2000000");
	BAD("100000 2000000");
	return tap_done();
}
