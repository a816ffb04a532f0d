/* nsutil/host: a file is read once in an epoch, and what was read is given to nobody who
 * asked later. */
#include "t/unit/fixture.h"
#include "t/unit/tap.h"

static struct fixture f;

static const char *uptime(void)
{
	struct slice text;

	return host_text(&f.host, HOST_UPTIME, &text) == 0 ? text.p : "none";
}

/* The file changes, and nothing was said of a new epoch. */
static uint64_t change(const char *text)
{
	const uint64_t epoch = f.host.epoch;

	fixture_write(&f, "proc/uptime", text);
	f.host.epoch = epoch;
	host_since(&f.host, epoch);
	return epoch;
}

int main(void)
{
	uint64_t first, second;

	fixture_new(&f);
	fixture_load(&f);
	is_str(uptime(), "none", "no such file");
	fixture_write(&f, "proc/uptime", "1.00 1.00\n");
	is_str(uptime(), "1.00 1.00\n", "there it is");
	first = change("2.00 2.00\n");
	is_str(uptime(), "1.00 1.00\n", "read once in an epoch");
	host_new_epoch(&f.host);
	second = f.host.epoch;
	ok(second > first, "epochs are counted");
	host_since(&f.host, first);
	is_str(uptime(), "1.00 1.00\n",
		"who asked in the earlier one gets what was read then");
	host_since(&f.host, second);
	is_str(uptime(), "2.00 2.00\n", "who asks now does not");
	host_since(&f.host, first);
	is_str(uptime(), "2.00 2.00\n", "and then nobody");
	host_since(&f.host, 0);
	is_str(uptime(), "2.00 2.00\n", "nor who asked before there was an epoch");
	fixture_deinit(&f);
	return tap_done();
}
