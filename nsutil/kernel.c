/*
 * See kernel.h.
 */
#include "nsutil/kernel.h"

#include <stdio.h>
#include <sys/utsname.h>

bool kernel_at_least(unsigned major, unsigned minor)
{
	struct utsname name;
	unsigned have_major, have_minor;

	if (uname(&name) < 0 ||
		sscanf(name.release, "%u.%u", &have_major, &have_minor) != 2)
		return false;
	return have_major > major || (have_major == major && have_minor >= minor);
}
