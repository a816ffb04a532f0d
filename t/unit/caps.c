/* nsutil/caps: the table, and dropping in a child. */
#include "nsutil/caps.h"

#include "nsutil/procfile.h"
#include "t/unit/tap.h"

#include <fcntl.h>
#include <linux/capability.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#define BIT(cap) (UINT64_C(1) << (cap))

static void table(void)
{
	uint64_t seen = 0;

	for (int i = 0; i < CAPS_ROWS; i++) {
		const struct caps_row *row = &caps_table[i];

		ok(row->reason && strlen(row->reason) > 10, "capability %d has a reason",
			row->capability);
		ok(!(seen & BIT(row->capability)), "and one row");
		seen |= BIT(row->capability);
	}
	is_u64(caps_all(), seen, "all of them");
}

static void by_name(void)
{
	is_int(caps_by_name("sys_admin"), CAP_SYS_ADMIN, "sys_admin");
	is_int(caps_by_name("CAP_SYS_PTRACE"), CAP_SYS_PTRACE, "CAP_SYS_PTRACE");
	is_int(caps_by_name("Cap_Chown"), CAP_CHOWN, "Cap_Chown");
	is_int(caps_by_name("sys"), -1, "part of a name");
	is_int(caps_by_name("cap_"), -1, "cap_");
	is_int(caps_by_name(""), -1, "an empty name");
}

static uint64_t status_mask(const char *key)
{
	struct textbuf text = {0};
	const char *at;
	uint64_t mask = UINT64_MAX;

	if (procfile_read(AT_FDCWD, "/proc/self/status", &text) == 0 &&
		(at = strstr(text.data, key)))
		mask = strtoull(at + strlen(key), NULL, 16);
	textbuf_deinit(&text);
	return mask;
}

/* Bits of the exit status say which set is wrong. */
static int sets_are(uint64_t want, uint64_t bounding)
{
	return (status_mask("\nCapInh:") != 0) | (status_mask("\nCapPrm:") != want) << 1 |
	       (status_mask("\nCapEff:") != want) << 2 |
	       (status_mask("\nCapBnd:") != bounding) << 3 |
	       (status_mask("\nCapAmb:") != 0) << 4 |
	       (status_mask("\nNoNewPrivs:") != 1) << 5;
}

static uint64_t have;

static int keep(uint64_t without)
{
	uint64_t want = caps_all() & have & ~without, before = status_mask("\nCapBnd:");
	bool bounds = have & BIT(CAP_SETPCAP);

	if (caps_keep(without) != (bounds || before == want ? CAPS_KEPT : CAPS_UNBOUNDED))
		return 100;
	return sets_are(want, bounds ? want : before);
}

static int keep_all(void)
{
	return keep(0);
}

static int keep_less(void)
{
	return keep(BIT(CAP_SYS_PTRACE) | BIT(CAP_CHOWN));
}

/* As a worker does after its keeper, or a keeper in a new binary. */
static int keep_twice(void)
{
	int r = keep(0);

	if (r)
		return r;
	if (have & BIT(CAP_SETPCAP) && caps_keep(0) != CAPS_KEPT)
		return 101;
	return sets_are(caps_all() & have, status_mask("\nCapBnd:"));
}

/* What was given up once is not asked for again: that would be refused as a whole. */
static int keep_less_then_all(void)
{
	int r = keep(BIT(CAP_SYS_PTRACE));

	if (r)
		return r;
	if (caps_keep(0) < 0)
		return 101;
	return sets_are(
		caps_all() & have & ~BIT(CAP_SYS_PTRACE), status_mask("\nCapBnd:"));
}

/* The bounding set cannot be made smaller any more. */
static int keep_unbounded(void)
{
	int r = keep(0);

	if (r)
		return r;
	if (have & BIT(CAP_SYS_PTRACE) &&
		caps_keep(BIT(CAP_SYS_PTRACE)) != CAPS_UNBOUNDED)
		return 101;
	return sets_are(
		caps_all() & have & ~BIT(CAP_SYS_PTRACE), status_mask("\nCapBnd:"));
}

static void in_child(int (*test)(void), const char *what)
{
	int status = -1;
	pid_t pid = fork();

	if (pid == 0)
		_exit(test());
	waitpid(pid, &status, 0);
	is_int(WIFEXITED(status) ? WEXITSTATUS(status) : 1000, 0, what);
}

int main(void)
{
	have = status_mask("\nCapPrm:") & status_mask("\nCapEff:");
	table();
	by_name();
	in_child(keep_all, "all that is in the table");
	in_child(keep_less, "without what the caller names");
	in_child(keep_twice, "once more changes nothing");
	in_child(keep_less_then_all, "there is no way back");
	in_child(keep_unbounded, "a bounding set that cannot be made smaller is told of");
	return tap_done();
}
